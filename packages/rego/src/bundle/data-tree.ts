/** The base documents of a bundle: each data file at the path of its folder, merged where objects meet. */
import { keyText } from '../value/json.ts';
import { emptyObject, isObject, objectEntries, objectFromEntries, objectGet } from '../value/object.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import type { BundleDiagnostic } from './bundle-diagnostic.ts';

export interface DataFile {
  readonly file: string;
  /** Folders above the file. */
  readonly path: readonly string[];
  readonly value: Value;
}

/** Two files give the same document; without `other`, a file at the root is no object. */
export interface DataConflict {
  readonly file: string;
  readonly document: readonly string[];
  readonly other: string | undefined;
}

/** More would not help anybody, and take long to find out. */
const MAX_CONFLICTS = 20;

/** One object of all files. What a later file cannot add is left out and told. */
export function mergeData(files: readonly DataFile[], onConflict: (conflict: DataConflict) => void): ObjectValue {
  const tree = emptyObject();
  let conflicts = 0;
  for (const [index, { file, path, value }] of files.entries()) {
    // Folders are objects around the value: a file at the root holds the members of `data` itself.
    const wrapped = wrap(path, value);
    if (!isObject(wrapped)) {
      onConflict({ file, document: [], other: undefined });
      continue;
    }
    merge(tree, wrapped, [], (document) => {
      conflicts += 1;
      if (conflicts > MAX_CONFLICTS) return;
      const other = files.slice(0, index).find((earlier) => reaches(wrap(earlier.path, earlier.value), document));
      onConflict({ file, document, other: other?.file });
    });
  }
  return tree;
}

export function conflictDiagnostic({ file, document, other }: DataConflict): BundleDiagnostic {
  if (other === undefined) {
    return { file, message: 'is no object', hint: 'give an object, or put the file into a folder' };
  }
  const message = `gives data.${document.join('.')} a second time, after ${other}`;
  return { file, message, hint: 'give each document once' };
}

function wrap(path: readonly string[], value: Value): Value {
  return path.reduceRight<Value>((inner, name) => objectFromEntries([[name, inner]]), value);
}

function reaches(value: Value, document: readonly string[]): boolean {
  let inner: Value | undefined = value;
  for (const name of document) inner = inner !== undefined && isObject(inner) ? objectGet(inner, name) : undefined;
  return inner !== undefined;
}

/** `into` and all objects below are this function's own, so that merging takes time for what is added only. */
function merge(
  into: Record<string, Value>,
  from: ObjectValue,
  path: readonly string[],
  onConflict: (document: readonly string[]) => void,
): void {
  for (const [key, value] of objectEntries(from)) {
    const name = keyText(key);
    const known = into[name];
    const document = [...path, name];
    if (known === undefined) {
      into[name] = isObject(value) ? ownCopy(value) : value;
    } else if (isObject(known) && isObject(value)) {
      merge(known as Record<string, Value>, value, document, onConflict);
    } else {
      onConflict(document);
    }
  }
}

function ownCopy(object: ObjectValue): ObjectValue {
  const copy = emptyObject();
  for (const [key, value] of objectEntries(object)) copy[keyText(key)] = isObject(value) ? ownCopy(value) : value;
  return copy;
}

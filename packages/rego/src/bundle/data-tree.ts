/** The base documents of a bundle: each data file at the path of its folder, merged where objects meet. */
import { keyText } from '../value/json.ts';
import { emptyObject, isObject, objectEntries, objectFromEntries } from '../value/object.ts';
import type { ObjectValue, Value } from '../value/value.ts';

export interface DataFile {
  readonly file: string;
  /** Folders above the file. */
  readonly path: readonly string[];
  readonly value: Value;
}

/** Says that two files give the same document. */
export type OnConflict = (file: string, document: readonly string[]) => void;

/** One object of all files. What a later file cannot add is left out and told. */
export function mergeData(files: readonly DataFile[], onConflict: OnConflict): ObjectValue {
  const tree = emptyObject();
  for (const { file, path, value } of files) {
    // Folders are objects around the value: a file at the root holds the members of `data` itself.
    const wrapped = path.reduceRight<Value>((inner, name) => objectFromEntries([[name, inner]]), value);
    if (isObject(wrapped)) merge(tree, wrapped, [], (document) => onConflict(file, document));
    else onConflict(file, []);
  }
  return tree;
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

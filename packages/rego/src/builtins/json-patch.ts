/** `json.patch` (RFC 6902), also over sets, where a member is its own path. Any failing step makes the call undefined. */
import { equal } from '../value/compare.ts';
import { isObject, objectEntries, objectFromEntries, objectGet } from '../value/object.ts';
import { RegoSet, setFrom } from '../value/set.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import { type Builtin, BuiltinError } from './builtin.ts';
import { parsePath } from './json-paths.ts';
import { arrayOperand } from './operand.ts';
import { ANY, arrayOf, STRING, shape } from './type.ts';

export const JSON_PATCH: readonly Builtin[] = [
  {
    name: 'json.patch',
    args: [ANY, arrayOf(shape({ op: STRING, path: ANY }, { key: ANY, value: ANY }))],
    result: ANY,
    evaluate: (_, target, patches) => {
      const steps = arrayOperand(patches, 2);
      try {
        return steps.reduce(applyStep, target);
      } catch (error) {
        if (error instanceof PatchFailure || error instanceof BuiltinError) return undefined;
        throw error;
      }
    },
  },
];

class PatchFailure extends Error {}

function applyStep(document: Value, step: Value): Value {
  if (!isObject(step)) throw new PatchFailure('a patch is an object');
  const path = parsePath(attribute(step, 'path'));
  switch (objectGet(step, 'op')) {
    case 'add':
      return insertAt(document, path, attribute(step, 'value'));
    case 'remove':
      return removeAt(document, path);
    case 'replace':
      return replaceAt(document, path, attribute(step, 'value'));
    case 'move': {
      const from = parsePath(attribute(step, 'from'));
      return insertAt(removeAt(document, from), path, valueAt(document, from));
    }
    case 'copy':
      return insertAt(document, path, valueAt(document, parsePath(attribute(step, 'from'))));
    case 'test':
      if (equal(valueAt(document, path), attribute(step, 'value'))) return document;
      throw new PatchFailure('the tested value differs');
    default:
      throw new PatchFailure('unknown operation');
  }
}

function attribute(step: ObjectValue, name: string): Value {
  const value = objectGet(step, name);
  if (value === undefined) throw new PatchFailure(`missing ${name}`);
  return value;
}

function valueAt(value: Value, path: readonly Value[]): Value {
  return path.reduce(childAt, value);
}

function childAt(value: Value, segment: Value): Value {
  let child: Value | undefined;
  if (Array.isArray(value)) child = (value as readonly Value[])[arrayIndex(segment, value.length - 1)];
  else if (value instanceof RegoSet) child = value.get(segment);
  else if (isObject(value)) child = objectGet(value, segment);
  if (child === undefined) throw new PatchFailure('no such path');
  return child;
}

type Edit = (parent: Value, segment: Value) => Value;

/** Rebuilds the containers along the path around `edit` of the last one. */
function edit(value: Value, path: readonly Value[], change: Edit): Value {
  const [segment, ...rest] = path;
  if (segment === undefined) throw new PatchFailure('empty path');
  if (rest.length === 0) return change(value, segment);
  const child = edit(childAt(value, segment), rest, change);
  if (value instanceof RegoSet) return setFrom([...value.sorted().filter((member) => !equal(member, segment)), child]);
  return setChild(value, segment, child);
}

function setChild(parent: Value, segment: Value, child: Value): Value {
  if (Array.isArray(parent)) return (parent as readonly Value[]).with(arrayIndex(segment, parent.length - 1), child);
  if (!isObject(parent)) throw new PatchFailure('not a container');
  return objectFromEntries([...objectEntries(parent), [segment, child]]);
}

function insertAt(document: Value, path: readonly Value[], value: Value): Value {
  if (path.length === 0) return value;
  return edit(document, path, (parent, segment) => {
    if (Array.isArray(parent)) {
      return (parent as readonly Value[]).toSpliced(arrayIndex(segment, parent.length), 0, value);
    }
    if (parent instanceof RegoSet) {
      if (!equal(segment, value)) throw new PatchFailure("a set's member is its own path");
      return setFrom([...parent.sorted(), value]);
    }
    return setChild(parent, segment, value);
  });
}

function removeAt(document: Value, path: readonly Value[]): Value {
  return edit(document, path, (parent, segment) => {
    childAt(parent, segment);
    if (Array.isArray(parent)) return (parent as readonly Value[]).toSpliced(arrayIndex(segment, parent.length - 1), 1);
    if (parent instanceof RegoSet) return setFrom(parent.sorted().filter((member) => !equal(member, segment)));
    return objectFromEntries(objectEntries(parent as ObjectValue).filter(([key]) => !equal(key, segment)));
  });
}

function replaceAt(document: Value, path: readonly Value[], value: Value): Value {
  if (path.length === 0) return value;
  return insertAt(removeAt(document, path), path, value);
}

/** An index up to `last`, as a number or as text without leading zeros; `-` is the place after the end. */
function arrayIndex(segment: Value, last: number): number {
  const text = typeof segment === 'number' ? String(segment) : segment;
  if (text === '-') return last;
  if (typeof text !== 'string' || !/^(0|[1-9]\d*)$/.test(text)) throw new PatchFailure('not an index');
  const index = Number(text);
  if (index > last) throw new PatchFailure('index out of bounds');
  return index;
}

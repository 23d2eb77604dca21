/** `json.patch` (RFC 6902), also over sets, where a member is its own path. */
import { equal } from '../value/compare.ts';
import { isNumber, toMachineInteger } from '../value/number.ts';
import { isObject, objectEntries, objectFromEntries, objectGet } from '../value/object.ts';
import { RegoSet, setFrom } from '../value/set.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import { type Builtin, BuiltinError } from './builtin.ts';
import { parsePath } from './json-paths.ts';
import { arrayOperand, typeName } from './operand.ts';
import { regoText } from './text.ts';
import { ANY, arrayOf, STRING, shape } from './type.ts';

export const JSON_PATCH: readonly Builtin[] = [
  {
    name: 'json.patch',
    args: [ANY, arrayOf(shape({ op: STRING, path: ANY }, { key: ANY, value: ANY }))],
    result: ANY,
    evaluate: (_, target, patches) => arrayOperand(patches, 2).reduce(applyStep, target),
  },
];

function applyStep(document: Value, step: Value): Value {
  if (!isObject(step)) {
    throw new BuiltinError('must be an array of JSON-Patch objects, but at least one element is not an object');
  }
  const pathValue = attribute(step, 'path');
  const operation = attribute(step, 'op');
  if (typeof operation !== 'string') {
    throw new BuiltinError(`attribute 'op' must be a string but found: ${typeName(operation)}`);
  }
  if (!OPERATIONS.has(operation)) throw new BuiltinError(`unrecognized op: '${operation}'`);
  const moves = operation === 'move' || operation === 'copy';
  const from = moves ? attribute(step, 'from') : '';
  const value = moves || operation === 'remove' ? null : attribute(step, 'value');
  return apply(document, operation, parsePath(pathValue), { from: parsePath(from), value });
}

const OPERATIONS: ReadonlySet<string> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

interface Operands {
  readonly from: readonly Value[];
  readonly value: Value;
}

function apply(document: Value, operation: string, path: readonly Value[], { from, value }: Operands): Value {
  switch (operation) {
    case 'add':
      return insertAt(document, path, value);
    case 'remove':
      return removeAt(document, path);
    case 'replace':
      return path.length === 0 ? value : insertAt(removeAt(document, path), path, value);
    case 'move': {
      const moved = valueAt(document, from);
      return insertAt(removeAt(document, from), path, moved);
    }
    case 'copy':
      return insertAt(document, path, valueAt(document, from));
    default: {
      const found = valueAt(document, path);
      if (equal(found, value)) return document;
      const [expected, actual] = [regoText(value), regoText(found)];
      throw new BuiltinError(`value from EditTree != patch value.\n\nExpected: ${expected}\n\nFound: ${actual}`);
    }
  }
}

function attribute(step: ObjectValue, name: string): Value {
  const value = objectGet(step, name);
  if (value === undefined) throw new BuiltinError(`missing required attribute '${name}'`);
  return value;
}

function valueAt(value: Value, path: readonly Value[]): Value {
  return path.reduce(childAt, value);
}

function childAt(value: Value, segment: Value): Value {
  if (Array.isArray(value)) {
    const index = arrayIndex(segment, value.length);
    if (index >= value.length) throw new BuiltinError('index for array lookup out of bounds');
    return value[index] as Value;
  }
  if (value instanceof RegoSet) {
    if (value.has(segment)) return segment;
    throw new BuiltinError(`path ${plainText(segment)} does not exist in set term ${regoText(value)}`);
  }
  if (isObject(value)) {
    const found = objectGet(value, segment);
    if (found !== undefined) return found;
    throw new BuiltinError(`path ${regoText(segment)} does not exist in object term ${regoText(value)}`);
  }
  throw new BuiltinError(`expected composite type for path ${regoText(segment)}, found ${describe(value)}`);
}

function plainText(segment: Value): string {
  return typeof segment === 'string' ? segment : regoText(segment);
}

function describe(value: Value): string {
  const type = typeName(value);
  return `value: ${regoText(value)} (type: ast.${type.charAt(0).toUpperCase()}${type.slice(1)})`;
}

type Edit = (parent: Value, segment: Value) => Value;

/** Rebuilds the containers along the path around `change` of the last one. */
function edit(value: Value, path: readonly Value[], change: Edit): Value {
  const [segment, ...rest] = path;
  if (segment === undefined) throw new BuiltinError('cannot remove the root of the document');
  if (rest.length === 0) return change(value, segment);
  const child = edit(childAt(value, segment), rest, change);
  if (value instanceof RegoSet) return setFrom([...value.sorted().filter((member) => !equal(member, segment)), child]);
  if (Array.isArray(value)) return (value as readonly Value[]).with(arrayIndex(segment, value.length), child);
  return objectFromEntries([...objectEntries(value as ObjectValue), [segment, child]]);
}

function insertAt(document: Value, path: readonly Value[], value: Value): Value {
  if (path.length === 0) return value;
  return edit(document, path, (parent, segment) => {
    if (Array.isArray(parent)) {
      const index = arrayIndex(segment, parent.length);
      if (index > parent.length) throw new BuiltinError('index for array insertion out of bounds');
      return (parent as readonly Value[]).toSpliced(index, 0, value);
    }
    if (parent instanceof RegoSet) {
      if (equal(segment, value)) return setFrom([...parent.sorted(), value]);
      throw new BuiltinError(`set key ${regoText(segment)} does not equal value to be inserted ${regoText(value)}`);
    }
    if (isObject(parent)) return objectFromEntries([...objectEntries(parent), [segment, value]]);
    throw new BuiltinError(`expected composite type, found ${describe(parent)}`);
  });
}

function removeAt(document: Value, path: readonly Value[]): Value {
  return edit(document, path, (parent, segment) => {
    if (Array.isArray(parent)) {
      const index = arrayIndex(segment, parent.length);
      if (index >= parent.length) throw new BuiltinError('index for array delete out of bounds');
      return (parent as readonly Value[]).toSpliced(index, 1);
    }
    const isSet = parent instanceof RegoSet;
    if (!isSet && !isObject(parent)) throw new BuiltinError(`expected composite type, found ${describe(parent)}`);
    if ((isSet ? parent.get(segment) : objectGet(parent, segment)) === undefined) {
      throw new BuiltinError(`cannot delete child key ${regoText(segment)} that does not exist`);
    }
    if (isSet) return setFrom(parent.sorted().filter((member) => !equal(member, segment)));
    return objectFromEntries(objectEntries(parent).filter(([key]) => !equal(key, segment)));
  });
}

/** A number, or text without leading zeros; `-` is the place after the end. */
function arrayIndex(segment: Value, length: number): number {
  if (isNumber(segment)) {
    const index = toMachineInteger(segment);
    if (index === undefined || index < 0) throw new BuiltinError('invalid number type for indexing');
    return index;
  }
  if (typeof segment !== 'string') throw new BuiltinError('invalid type for indexing');
  if (segment === '-') return length;
  if (/^0\d/.test(segment)) throw new BuiltinError('leading zeros are not allowed in JSON paths');
  if (/^-\d+$/.test(segment)) return Number.POSITIVE_INFINITY;
  if (!/^\d+$/.test(segment)) throw new BuiltinError('invalid string for indexing');
  return Number(segment);
}

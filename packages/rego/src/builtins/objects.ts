/** `object.*`. */
import { compare, equal } from '../value/compare.ts';
import {
  isObject,
  objectEntries,
  objectFromEntries,
  objectGet,
  objectKeys,
  objectSize,
  RegoObject,
} from '../value/object.ts';
import { RegoSet, setFrom } from '../value/set.ts';
import type { ObjectValue, StringObject, Value } from '../value/value.ts';
import { type Builtin, BuiltinError } from './builtin.ts';
import { arrayOperand, elementError, objectOperand, operandTypeError } from './operand.ts';
import { itemAt } from './operators.ts';
import { ANY, ANY_ARRAY, ANY_OBJECT, ANY_SET, arrayOf, BOOLEAN, union } from './type.ts';

const KEY_LIST = union(ANY_ARRAY, ANY_SET, ANY_OBJECT);
const COMPOSITE = union(ANY_OBJECT, ANY_SET, ANY_ARRAY);

export const OBJECTS: readonly Builtin[] = [
  {
    name: 'object.get',
    args: [ANY_OBJECT, ANY, ANY],
    result: ANY,
    evaluate: (_, object, key, fallback) => {
      const found = lookUp(objectOperand(object, 1), key);
      return found === undefined ? fallback : found;
    },
  },
  {
    name: 'object.keys',
    args: [ANY_OBJECT],
    result: ANY_SET,
    evaluate: (_, object) => setFrom(objectKeys(objectOperand(object, 1))),
  },
  {
    name: 'object.remove',
    args: [ANY_OBJECT, KEY_LIST],
    result: ANY_OBJECT,
    evaluate: (_, object, keys) => select(objectOperand(object, 1), keysOperand(keys), false),
  },
  {
    name: 'object.filter',
    args: [ANY_OBJECT, KEY_LIST],
    result: ANY_OBJECT,
    evaluate: (_, object, keys) => select(objectOperand(object, 1), keysOperand(keys), true),
  },
  {
    name: 'object.union',
    args: [ANY_OBJECT, ANY_OBJECT],
    result: ANY_OBJECT,
    evaluate: (_, a, b) => merge(objectOperand(a, 1), objectOperand(b, 2)),
  },
  {
    name: 'object.union_n',
    args: [arrayOf(ANY_OBJECT)],
    result: ANY_OBJECT,
    evaluate: (_, objects) => {
      const list = arrayOperand(objects, 1).map((item) => {
        if (!isObject(item)) throw elementError(1, objects, item, 'object');
        return item;
      });
      return mergeAll(list);
    },
  },
  {
    name: 'object.subset',
    args: [COMPOSITE, COMPOSITE],
    result: BOOLEAN,
    evaluate: (_, larger, smaller) => isSubset(larger, smaller),
  },
];

function lookUp(object: ObjectValue, key: Value): Value | undefined {
  if (!Array.isArray(key)) return objectGet(object, key);
  let found: Value | undefined = object;
  for (const step of key as readonly Value[]) {
    found = itemAt(found, step);
    if (found === undefined) return undefined;
  }
  return found;
}

function keysOperand(keys: Value): RegoSet {
  if (keys instanceof RegoSet) return keys;
  if (Array.isArray(keys)) return setFrom(keys as readonly Value[]);
  if (isObject(keys)) return setFrom(objectKeys(keys));
  throw operandTypeError(2, keys, 'object', 'set', 'array');
}

function select(object: ObjectValue, keys: RegoSet, keep: boolean): ObjectValue {
  return objectFromEntries(objectEntries(object).filter(([key]) => keys.has(key) === keep));
}

type Spelling = (kept: Value, object: ObjectValue) => Value;

const asKept: Spelling = (kept) => kept;
/** A key as the object writes it: `1` and `1.0` are the same key. */
const respelled: Spelling = (kept, object) =>
  typeof kept === 'string' ? kept : (objectKeys(object).find((key) => equal(key, kept)) ?? kept);

/** Later objects win, member by member; where all of them are objects, they merge. */
function mergeAll(objects: readonly ObjectValue[]): ObjectValue {
  const [first, ...others] = objects;
  if (first === undefined || others.length === 0) return first ?? objectFromEntries([]);
  if (objects.some((object) => object instanceof RegoObject))
    return objects.reduce((a, b) => merge(a, b, respelled), objectFromEntries([]));
  const members = new Map<string, readonly Value[]>();
  for (const object of objects as readonly StringObject[]) {
    for (const [name, value] of Object.entries(object)) {
      const known = members.get(name);
      if (known !== undefined && isObject(value)) (known as Value[]).push(value);
      else members.set(name, [value]);
    }
  }
  return objectFromEntries(Array.from(members, ([name, values]) => [name, mergedValue(values)] as const));
}

/** Values that a name had, the last ones objects; one before them that is none is overwritten. */
function mergedValue(values: readonly Value[]): Value {
  const objects = values.filter(isObject);
  return objects.length === 0 ? (values.at(-1) ?? null) : mergeAll(objects);
}

/** The right side wins, except that two objects merge. */
function merge(a: ObjectValue, b: ObjectValue, spell: Spelling = asKept): ObjectValue {
  const kept = objectEntries(a).map(([key, left]) => {
    const right = objectGet(b, key);
    if (right === undefined) return [key, left] as const;
    return [spell(key, b), isObject(left) && isObject(right) ? merge(left, right, spell) : right] as const;
  });
  const added = objectEntries(b).filter(([key]) => objectGet(a, key) === undefined);
  return objectFromEntries([...kept, ...added]);
}

function isSubset(larger: Value, smaller: Value): boolean {
  if (isObject(larger) && isObject(smaller)) return isSubobject(larger, smaller);
  if (larger instanceof RegoSet && smaller instanceof RegoSet) {
    return smaller.size <= larger.size && smaller.sorted().every((member) => larger.has(member));
  }
  if (Array.isArray(larger) && Array.isArray(smaller)) return containsRun(larger, smaller);
  if (Array.isArray(larger) && smaller instanceof RegoSet) return coversSet(larger as readonly Value[], smaller);
  throw new BuiltinError('both arguments object.subset must be of the same type or array and set', 'eval_type_error');
}

/** Recursive over objects, sets and arrays found under the same key. */
function isSubobject(larger: ObjectValue, smaller: ObjectValue): boolean {
  if (objectSize(smaller) > objectSize(larger)) return false;
  return objectEntries(smaller).every(([key, part]) => {
    const whole = objectGet(larger, key);
    if (whole === undefined) return false;
    if (isObject(whole) && isObject(part)) return isSubobject(whole, part);
    if (whole instanceof RegoSet && part instanceof RegoSet) return isSubset(whole, part);
    if (Array.isArray(whole) && Array.isArray(part)) return containsRun(whole, part);
    return compare(whole, part) === 0;
  });
}

/** Whether as many items as the set has members are among them: OPA counts an item that comes twice as two. */
function coversSet(items: readonly Value[], set: RegoSet): boolean {
  let missing = set.size;
  for (const item of items) {
    if (set.has(item)) missing -= 1;
    if (missing === 0) return true;
  }
  return false;
}

/** Whether `run` appears contiguously (Knuth, Morris and Pratt: in linear time). */
function containsRun(items: readonly Value[], run: readonly Value[]): boolean {
  if (run.length === 0) return true;
  const fallback = borders(run);
  let matched = 0;
  for (const item of items) {
    while (matched > 0 && !equal(item, run[matched] as Value)) matched = fallback[matched - 1] ?? 0;
    if (equal(item, run[matched] as Value)) matched += 1;
    if (matched === run.length) return true;
  }
  return false;
}

/** For each start of the run, how long a part of it both begins and ends it. */
function borders(run: readonly Value[]): readonly number[] {
  const lengths = [0];
  for (let index = 1, length = 0; index < run.length; index += 1) {
    const item = run[index] as Value;
    while (length > 0 && !equal(item, run[length] as Value)) length = lengths[length - 1] ?? 0;
    if (equal(item, run[length] as Value)) length += 1;
    lengths.push(length);
  }
  return lengths;
}

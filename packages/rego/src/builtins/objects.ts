/** `object.*`. */
import { equal } from '../value/compare.ts';
import { compositeKey } from '../value/key.ts';
import {
  type Entry,
  isObject,
  objectEntries,
  objectFromEntries,
  objectGet,
  objectKeys,
  objectSize,
  RegoObject,
} from '../value/object.ts';
import { RegoSet, setFrom } from '../value/set.ts';
import type { ObjectValue, Value } from '../value/value.ts';
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
    evaluate: (_, a, b) => mergeAll([objectOperand(a, 1), objectOperand(b, 2)], 'first'),
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
      return mergeAll(list, 'last');
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

/** Which spelling of a key stays: `1` and `1.0` are the same key. */
type Spelling = 'first' | 'last';

interface Member {
  key: Value;
  /** What the objects have under the key, from the last that is no object on. */
  values: Value[];
}

/** An object in the making, and which of its members are to be made of several objects first. */
interface Merging {
  readonly entries: [key: Value, value: Value][];
  readonly open: { readonly at: number; readonly objects: readonly ObjectValue[] }[];
}

/** Later objects win, member by member; where all of them are objects, they merge. They may nest deeper than the stack. */
function mergeAll(objects: readonly ObjectValue[], spelling: Spelling): ObjectValue {
  const waiting = [merging(objects, spelling)];
  for (;;) {
    const current = waiting.at(-1) as Merging;
    const next = current.open.at(-1);
    if (next !== undefined) {
      waiting.push(merging(next.objects, spelling));
      continue;
    }
    const merged = objectFromEntries(current.entries);
    waiting.pop();
    const outer = waiting.at(-1);
    const place = outer?.open.pop();
    if (outer === undefined || place === undefined) return merged;
    (outer.entries[place.at] as [Value, Value])[1] = merged;
  }
}

function merging(objects: readonly ObjectValue[], spelling: Spelling): Merging {
  const result: Merging = { entries: [], open: [] };
  for (const { key, values } of membersOf(objects, spelling)) {
    const nested = values.filter(isObject);
    if (nested.length > 1) result.open.push({ at: result.entries.length, objects: nested });
    result.entries.push([key, values.at(-1) as Value]);
  }
  return result;
}

function membersOf(objects: readonly ObjectValue[], spelling: Spelling): Iterable<Member> {
  const members = new Map<string, Member>();
  for (const object of objects) {
    for (const [key, value] of entriesOf(object)) {
      const name = typeof key === 'string' ? `"${key}` : compositeKey(key);
      const known = members.get(name);
      if (known === undefined) members.set(name, { key, values: [value] });
      else {
        if (spelling === 'last') known.key = key;
        if (isObject(value)) known.values.push(value);
        else known.values = [value];
      }
    }
  }
  return members.values();
}

/** In any order. */
function entriesOf(object: ObjectValue): readonly Entry[] {
  return object instanceof RegoObject ? object.entries() : Object.entries(object);
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

/** Over objects, sets and arrays found under the same key. They may nest deeper than the stack. */
function isSubobject(larger: ObjectValue, smaller: ObjectValue): boolean {
  const waiting: [whole: Value, part: Value][] = [[larger, smaller]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [whole, part] = next;
    if (isObject(whole) && isObject(part)) {
      if (objectSize(part) > objectSize(whole)) return false;
      for (const [key, value] of entriesOf(part)) {
        const found = objectGet(whole, key);
        if (found === undefined) return false;
        waiting.push([found, value]);
      }
    } else if (!coversPart(whole, part)) return false;
  }
  return true;
}

function coversPart(whole: Value, part: Value): boolean {
  if (whole instanceof RegoSet && part instanceof RegoSet) return isSubset(whole, part);
  if (Array.isArray(whole) && Array.isArray(part)) return containsRun(whole, part);
  return equal(whole, part);
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

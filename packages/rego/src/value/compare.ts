/**
 * OPA's total order over values: null < false < true < numbers < strings < arrays < objects < sets.
 * Strings compare by code point, arrays by their elements, objects and sets by their sorted contents.
 */
import { BigNumber, compareNumbers } from './number.ts';
import { objectGet, objectKeys, RegoObject } from './object.ts';
import { RegoSet } from './set.ts';
import type { ObjectValue, StringObject, Value } from './value.ts';

export function compare(a: Value, b: Value): number {
  if (a === b) return 0;
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : 1;
  const rankA = rank(a);
  const rankB = rank(b);
  if (rankA !== rankB) return rankA < rankB ? -1 : 1;
  switch (rankA) {
    case RANK.number:
      return compareNumbers(a as number | BigNumber, b as number | BigNumber);
    case RANK.array:
      return compareArrays(a as readonly Value[], b as readonly Value[]);
    case RANK.object:
      return compareObjects(a as ObjectValue, b as ObjectValue);
    case RANK.set:
      return compareArrays((a as RegoSet).sorted(), (b as RegoSet).sorted());
    default:
      return 0;
  }
}

/** Rego's `==`. Cheaper than {@link compare} for composites, and the only equality that knows `1 == 1.0`. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' && typeof b !== 'object') return false;
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return false;
  if (a instanceof RegoSet && b instanceof RegoSet) return a.equals(b);
  if (isPlainObject(a) && isPlainObject(b)) return equalMembers(a, b);
  return compare(a, b) === 0;
}

function isPlainObject(value: Value): value is StringObject {
  return typeof value === 'object' && value !== null && rank(value) === RANK.object && !(value instanceof RegoObject);
}

/** Nothing is sorted, and the first member that the other lacks ends it. */
function equalMembers(a: StringObject, b: StringObject): boolean {
  for (const name in b) if (!Object.hasOwn(a, name)) return false;
  for (const name in a) {
    if (!Object.hasOwn(b, name) || !equal(a[name] as Value, b[name] as Value)) return false;
  }
  return true;
}

/** Code point order, which differs from JavaScript's own for characters beyond U+FFFF. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const unitA = a.charCodeAt(index);
    const unitB = b.charCodeAt(index);
    if (unitA === unitB) continue;
    if (unitA >= 0xd800 && unitB >= 0xd800) return afterSurrogates(unitA) < afterSurrogates(unitB) ? -1 : 1;
    return unitA < unitB ? -1 : 1;
  }
  return a.length < b.length ? -1 : 1;
}

/** Moves the surrogates (halves of characters beyond U+FFFF) behind U+E000–U+FFFF. */
function afterSurrogates(unit: number): number {
  return unit < 0xe000 ? unit + 0x10000 : unit;
}

const RANK = { null: 0, false: 1, true: 2, number: 3, string: 4, array: 5, object: 6, set: 7 } as const;

function rank(value: Value): number {
  switch (typeof value) {
    case 'boolean':
      return value ? RANK.true : RANK.false;
    case 'number':
      return RANK.number;
    case 'string':
      return RANK.string;
    default:
      if (value === null) return RANK.null;
      if (Array.isArray(value)) return RANK.array;
      if (value instanceof BigNumber) return RANK.number;
      return value instanceof RegoSet ? RANK.set : RANK.object;
  }
}

function compareArrays(a: readonly Value[], b: readonly Value[]): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const order = compare(a[index] as Value, b[index] as Value);
    if (order !== 0) return order;
  }
  return a.length === b.length ? 0 : a.length < b.length ? -1 : 1;
}

/** Key by key: the first differing key decides, then that key's value, then the number of keys. */
function compareObjects(a: ObjectValue, b: ObjectValue): number {
  const keysA = objectKeys(a);
  const keysB = objectKeys(b);
  const length = Math.min(keysA.length, keysB.length);
  for (let index = 0; index < length; index += 1) {
    const keyA = keysA[index] as Value;
    const keyB = keysB[index] as Value;
    const order = compare(keyA, keyB) || compare(objectGet(a, keyA) as Value, objectGet(b, keyB) as Value);
    if (order !== 0) return order;
  }
  return keysA.length === keysB.length ? 0 : keysA.length < keysB.length ? -1 : 1;
}

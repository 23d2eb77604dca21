/** Equality, comparison and membership. */
import { compare, equal } from '../value/compare.ts';
import { isNumber, toMachineInteger } from '../value/number.ts';
import { isObject, objectEntries, objectGet } from '../value/object.ts';
import { RegoSet } from '../value/set.ts';
import type { Value } from '../value/value.ts';
import type { Builtin } from './builtin.ts';
import { ANY, BOOLEAN } from './type.ts';

export const OPERATORS: readonly Builtin[] = [
  relation('eq', '=', equal),
  relation('assign', ':=', equal),
  relation('equal', '==', equal),
  relation('neq', '!=', (x, y) => !equal(x, y)),
  relation('lt', '<', (x, y) => compare(x, y) < 0),
  relation('lte', '<=', (x, y) => compare(x, y) <= 0),
  relation('gt', '>', (x, y) => compare(x, y) > 0),
  relation('gte', '>=', (x, y) => compare(x, y) >= 0),
  {
    name: 'internal.member_2',
    infix: 'in',
    args: [ANY, ANY],
    result: BOOLEAN,
    evaluate: (_, value, collection) => isMember(value, collection),
  },
  {
    name: 'internal.member_3',
    infix: 'in',
    args: [ANY, ANY, ANY],
    result: BOOLEAN,
    evaluate: (_, key, value, collection) => isMemberAt(key, value, collection),
  },
];

/** `value in collection`; false when it is no collection. */
export function isMember(value: Value, collection: Value): boolean {
  if (collection instanceof RegoSet) return collection.has(value);
  if (Array.isArray(collection)) return isItem(value, collection);
  return isObject(collection) && objectEntries(collection).some(([, item]) => equal(item, value));
}

function isItem(value: Value, items: readonly Value[]): boolean {
  for (const item of items) if (item === value || equal(item, value)) return true;
  return false;
}

/** `key, value in collection`. */
export function isMemberAt(key: Value, value: Value, collection: Value): boolean {
  const found = itemAt(collection, key);
  return found !== undefined && equal(found, value);
}

/** What `collection[key]` is, when both are known. */
export function itemAt(collection: Value, key: Value): Value | undefined {
  if (Array.isArray(collection)) {
    const index = isNumber(key) ? toMachineInteger(key) : undefined;
    return index === undefined ? undefined : (collection[index] as Value | undefined);
  }
  if (collection instanceof RegoSet) return collection.has(key) ? key : undefined;
  return isObject(collection) ? objectGet(collection, key) : undefined;
}

function relation(name: string, infix: string, holds: (x: Value, y: Value) => boolean): Builtin {
  return {
    name,
    infix,
    args: [ANY, ANY],
    result: BOOLEAN,
    evaluate: (_, x, y) => holds(x, y),
  };
}

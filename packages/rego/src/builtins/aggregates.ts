/** `count`, `sum`, `product`, `max`, `min`, `sort`, and the deprecated `any` and `all`. */
import { compare } from '../value/compare.ts';
import { add, type BigNumber, isNumber, multiply } from '../value/number.ts';
import { isObject, objectSize } from '../value/object.ts';
import { RegoSet } from '../value/set.ts';
import type { Value } from '../value/value.ts';
import type { Builtin } from './builtin.ts';
import { calculate, elementError, membersOf, operandTypeError } from './operand.ts';
import { ANY, ANY_ARRAY, ANY_OBJECT, ANY_SET, arrayOf, BOOLEAN, NUMBER, STRING, setOf, union } from './type.ts';

const ANY_LIST = union(ANY_SET, ANY_ARRAY);
const NUMBER_LIST = union(setOf(NUMBER), arrayOf(NUMBER));

export const AGGREGATES: readonly Builtin[] = [
  {
    name: 'count',
    args: [union(ANY_SET, ANY_ARRAY, ANY_OBJECT, STRING)],
    result: NUMBER,
    evaluate: (_, collection) => count(collection),
  },
  {
    name: 'sum',
    args: [NUMBER_LIST],
    result: NUMBER,
    evaluate: (_, collection) => fold(collection, 0, add),
  },
  {
    name: 'product',
    args: [NUMBER_LIST],
    result: NUMBER,
    evaluate: (_, collection) => fold(collection, 1, multiply),
  },
  {
    name: 'max',
    args: [ANY_LIST],
    result: ANY,
    evaluate: (_, collection) => best(collection, (order) => order > 0),
  },
  {
    name: 'min',
    args: [ANY_LIST],
    result: ANY,
    evaluate: (_, collection) => best(collection, (order) => order < 0),
  },
  {
    name: 'sort',
    args: [union(ANY_ARRAY, ANY_SET)],
    result: ANY_ARRAY,
    evaluate: (_, collection) => members(collection).toSorted(compare),
  },
  {
    name: 'any',
    args: [ANY_LIST],
    result: BOOLEAN,
    deprecated: true,
    evaluate: (_, collection) => listed(collection).some((item) => item === true),
  },
  {
    name: 'all',
    args: [ANY_LIST],
    result: BOOLEAN,
    deprecated: true,
    evaluate: (_, collection) => listed(collection).every((item) => item === true),
  },
];

function count(collection: Value): number {
  if (typeof collection === 'string') return runeCount(collection);
  if (Array.isArray(collection)) return collection.length;
  if (collection instanceof RegoSet) return collection.size;
  if (isObject(collection)) return objectSize(collection);
  throw operandTypeError(1, collection, 'array', 'object', 'set', 'string');
}

/** Characters, not UTF-16 units. */
export function runeCount(text: string): number {
  let count = text.length;
  for (let index = 1; index < text.length; index += 1) {
    const isPair = (text.charCodeAt(index) & 0xfc00) === 0xdc00 && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800;
    if (isPair) count -= 1;
  }
  return count;
}

type Num = number | BigNumber;

function fold(collection: Value, start: Num, operation: (x: Num, y: Num) => Num): Num {
  return calculate(() => {
    let result = start;
    for (const member of members(collection)) {
      if (!isNumber(member)) throw elementError(1, collection, member, 'number');
      result = operation(result, member);
    }
    return result;
  });
}

function best(collection: Value, better: (order: number) => boolean): Value | undefined {
  let result: Value | undefined;
  for (const member of members(collection)) {
    if (result === undefined || better(compare(member, result))) result = member;
  }
  return result;
}

function members(collection: Value): readonly Value[] {
  const list = membersOf(collection);
  if (list === undefined) throw operandTypeError(1, collection, 'set', 'array');
  return list;
}

function listed(collection: Value): readonly Value[] {
  const list = membersOf(collection);
  if (list === undefined) throw operandTypeError(1, collection, 'array', 'set');
  return list;
}

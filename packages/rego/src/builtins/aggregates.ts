/** `count`, `sum`, `product`, `max`, `min`, `sort`, and the deprecated `any` and `all`. */
import { compare } from '../value/compare.ts';
import { type BigNumber, isNumber, product, sum } from '../value/number.ts';
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
    evaluate: (_, collection) => calculate(() => sum(numbers(collection))),
  },
  {
    name: 'product',
    args: [NUMBER_LIST],
    result: NUMBER,
    evaluate: (_, collection) => calculate(() => product(numbers(collection))),
  },
  {
    name: 'max',
    args: [ANY_LIST],
    result: ANY,
    evaluate: (_, collection) => best(collection, (order) => order >= 0),
  },
  {
    name: 'min',
    args: [ANY_LIST],
    result: ANY,
    evaluate: (_, collection) => best(collection, (order) => order <= 0),
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

function numbers(collection: Value): readonly (number | BigNumber)[] {
  return members(collection).map((member) => {
    if (!isNumber(member)) throw elementError(1, collection, member, 'number');
    return member;
  });
}

/** The last of equal members (`3` and `3.0`), as in OPA. */
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

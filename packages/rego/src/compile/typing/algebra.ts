/**
 * Arithmetic over types as OPA's checker does it: unions, members, keys. A union holds each alternative once, in
 * order; `any` is the union of everything; `unknown` is the type of what cannot be or could not be inferred.
 */
import {
  ANY,
  type ArrayType,
  BOOLEAN,
  type FunctionType,
  NULL,
  NUMBER,
  type ObjectProperty,
  type ObjectType,
  STRING,
  type Type,
} from '../../builtins/type.ts';
import type { Scalar } from '../../syntax/ast.ts';
import { compare } from '../../value/compare.ts';
import { BigNumber } from '../../value/number.ts';
import { isObject, objectEntries } from '../../value/object.ts';
import { RegoSet } from '../../value/set.ts';
import type { Value } from '../../value/value.ts';

export const UNKNOWN: Type = { kind: 'unknown' };

const ORDER: Readonly<Record<Type['kind'], number>> = {
  unknown: -1,
  null: 0,
  boolean: 1,
  number: 2,
  string: 3,
  array: 4,
  object: 5,
  set: 6,
  any: 7,
  union: 7,
  function: 8,
};

/** Objects list their properties by key, so that equal types look equal. */
export function objectType(properties: readonly ObjectProperty[], rest?: ObjectType['rest']): ObjectType {
  return { kind: 'object', properties: properties.toSorted((a, b) => compare(a.key, b.key)), rest };
}

/** The type of a constant, where it serves as a key. */
export function typeOfKey(value: Value): Type {
  if (value === null) return NULL;
  if (typeof value === 'string') return STRING;
  if (typeof value === 'boolean') return BOOLEAN;
  if (typeof value === 'number' || value instanceof BigNumber) return NUMBER;
  if (isObject(value)) return objectType(objectEntries(value).map(([key, each]) => ({ key, value: typeOfKey(each) })));
  const items: readonly Value[] = value instanceof RegoSet ? value.sorted() : value;
  return { kind: 'array', items: items.map(typeOfKey) };
}

/** Declared types with their unions in order. */
export function normalized(type: Type): Type {
  switch (type.kind) {
    case 'array':
      return { ...type, items: type.items.map(normalized), rest: type.rest && normalized(type.rest) };
    case 'set':
      return { kind: 'set', member: type.member && normalized(type.member) };
    case 'object': {
      const properties = type.properties.map(({ key, value }) => ({ key, value: normalized(value) }));
      return objectType(
        properties,
        type.rest && { key: normalized(type.rest.key), value: normalized(type.rest.value) },
      );
    }
    case 'union':
      return type.of.map(normalized).reduce(either, UNKNOWN);
    default:
      return type;
  }
}

function compareTypes(a: Type, b: Type): number {
  if (a === b) return 0;
  if (ORDER[a.kind] !== ORDER[b.kind]) return ORDER[a.kind] < ORDER[b.kind] ? -1 : 1;
  if (a.kind === 'array' && b.kind === 'array') {
    return compareOptional(a.rest, b.rest) || compareLists(a.items, b.items);
  }
  if (a.kind === 'object' && b.kind === 'object') return compareObjects(a, b);
  if (a.kind === 'set' && b.kind === 'set') return compareOptional(a.member, b.member);
  if (a.kind === 'function' && b.kind === 'function') return compareFunctions(a, b);
  return compareLists(alternatives(a), alternatives(b));
}

/** The members of a union; `any` has none. */
export function alternatives(type: Type): readonly Type[] {
  return type.kind === 'union' ? type.of : [];
}

function compareOptional(a: Type | undefined, b: Type | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  return compareTypes(a, b);
}

function compareLists(a: readonly Type[], b: readonly Type[]): number {
  for (const [i, type] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    const order = compareTypes(type, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareObjects(a: ObjectType, b: ObjectType): number {
  const rests = compareOptional(a.rest?.key, b.rest?.key) || compareOptional(a.rest?.value, b.rest?.value);
  if (rests !== 0) return rests;
  for (const [i, { key, value }] of a.properties.entries()) {
    const other = b.properties[i];
    if (other === undefined) return 1;
    const order = compare(key, other.key) || compareTypes(value, other.value);
    if (order !== 0) return order;
  }
  return a.properties.length - b.properties.length;
}

function compareFunctions(a: FunctionType, b: FunctionType): number {
  if (a.args.length !== b.args.length) return a.args.length < b.args.length ? -1 : 1;
  return compareLists(a.args, b.args) || compareOptional(a.result, b.result);
}

/** The union of two types. */
export function either(a: Type, b: Type): Type {
  if (a.kind === 'unknown') return b;
  if (b.kind === 'unknown') return a;
  if (a.kind === 'function' || b.kind === 'function') {
    return a.kind === 'function' && b.kind === 'function' ? eitherFunction(a, b) : UNKNOWN;
  }
  if (a.kind === 'any' || b.kind === 'any') return ANY;
  return distinct([...(a.kind === 'union' ? a.of : [a]), ...(b.kind === 'union' ? b.of : [b])]);
}

/** The union of types that are neither unions themselves nor `any`. */
function distinct(types: readonly Type[]): Type {
  const of: Type[] = [];
  for (const each of types.toSorted(compareTypes)) {
    const last = of.at(-1);
    if (last === undefined || compareTypes(last, each) !== 0) of.push(each);
  }
  const [only] = of;
  return of.length === 1 && only !== undefined ? only : { kind: 'union', of };
}

function eitherFunction(a: FunctionType, b: FunctionType): Type {
  if (a.args.length !== b.args.length) return UNKNOWN;
  const args = a.args.map((arg, i) => either(arg, b.args[i] ?? UNKNOWN));
  return { kind: 'function', args, result: either(a.result ?? UNKNOWN, b.result ?? UNKNOWN) };
}

export function unionOf(types: readonly Type[]): Type {
  if (types.length < 3) return types.reduce(either, UNKNOWN);
  const known = types.filter(({ kind }) => kind !== 'unknown');
  if (known.length === 0 || known.some(({ kind }) => kind === 'function')) return known.reduce(either, UNKNOWN);
  if (known.some(({ kind }) => kind === 'any')) return ANY;
  return distinct(known.flatMap((type) => (type.kind === 'union' ? type.of : [type])));
}

/** Whether `type` takes in all of `other`: `any` does, and a union that lists it. */
function includes(type: Type, other: Type): boolean {
  if (type.kind === 'any') return other.kind !== 'function';
  if (type.kind === 'union') return type.of.some((each) => compareTypes(each, other) === 0);
  return compareTypes(type, other) === 0;
}

/** The type of `x[key]` for a constant key. */
export function memberType(type: Type, key: Scalar): Type {
  switch (type.kind) {
    case 'any':
      return ANY;
    case 'array':
      return itemType(type, indexOf(key));
    case 'object':
      return propertyType(type, key.value);
    case 'set': {
      const { member } = type;
      const wanted = typeOfKey(key.value);
      if (member === undefined) return UNKNOWN;
      if (compareTypes(member, wanted) === 0) return member;
      return (member.kind === 'any' || member.kind === 'union') && includes(member, wanted) ? wanted : UNKNOWN;
    }
    case 'union':
      return unionOf(type.of.map((each) => memberType(each, key)));
    default:
      return UNKNOWN;
  }
}

/** As in OPA, an array's index is written without point and exponent, and fits into 64 bits. */
function indexOf({ value, location }: Scalar): number {
  if (typeof value !== 'number' && !(value instanceof BigNumber)) return -1;
  const text = location.text.trim();
  if (!/^-?\d+$/.test(text) || BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) return -1;
  return Number(text);
}

export function itemType(type: ArrayType, index: number): Type {
  return index < 0 ? UNKNOWN : (type.items[index] ?? type.rest ?? UNKNOWN);
}

export function propertyType({ properties, rest }: ObjectType, key: Value): Type {
  const found = properties.find((each) => compare(each.key, key) === 0);
  if (found !== undefined) return found.value;
  return rest !== undefined && includes(rest.key, typeOfKey(key)) ? rest.value : UNKNOWN;
}

/** The types of `[]`, `{}` and `set()`: nothing is in there, so whatever is said of their members holds. */
export function isEmpty(type: Type): boolean {
  switch (type.kind) {
    case 'array':
      return type.items.length === 0 && type.rest === undefined;
    case 'object':
      return type.properties.length === 0 && type.rest === undefined;
    default:
      return type.kind === 'set' && type.member === undefined;
  }
}

/** The type, with `any` for whatever in it is empty. */
export function relaxed(type: Type): Type {
  if (isEmpty(type)) return ANY;
  switch (type.kind) {
    case 'array':
      return { ...type, items: type.items.map(relaxed), rest: type.rest && relaxed(type.rest) };
    case 'set':
      return { kind: 'set', member: type.member && relaxed(type.member) };
    case 'object': {
      const properties = type.properties.map(({ key, value }) => ({ key, value: relaxed(value) }));
      return { ...type, properties, rest: type.rest && { key: type.rest.key, value: relaxed(type.rest.value) } };
    }
    case 'union':
      return unionOf(type.of.map(relaxed));
    default:
      return type;
  }
}

/** The type of the keys of x; unknown when it has none. */
export function keysType(type: Type): Type {
  switch (type.kind) {
    case 'any':
      return ANY;
    case 'array':
      return NUMBER;
    case 'object':
      return either(unionOf(type.properties.map(({ key }) => typeOfKey(key))), type.rest?.key ?? UNKNOWN);
    case 'set':
      return type.member ?? UNKNOWN;
    case 'union':
      return unionOf(type.of.map(keysType));
    default:
      return UNKNOWN;
  }
}

/** The type of `x[_]`; unknown when it is no collection, or empty. */
export function valuesType(type: Type): Type {
  switch (type.kind) {
    case 'any':
      return ANY;
    case 'array':
      return either(unionOf(type.items), type.rest ?? UNKNOWN);
    case 'object':
      return either(unionOf(type.properties.map(({ value }) => value)), type.rest?.value ?? UNKNOWN);
    case 'set':
      return type.member ?? UNKNOWN;
    case 'union':
      return unionOf(type.of.map(valuesType));
    default:
      return UNKNOWN;
  }
}

/** Whether something in the type is unknown. */
export function isUnknown(type: Type): boolean {
  switch (type.kind) {
    case 'unknown':
      return true;
    case 'array':
      return type.items.some(isUnknown) || (type.rest !== undefined && isUnknown(type.rest));
    case 'object': {
      const { properties, rest } = type;
      return properties.some(({ value }) => isUnknown(value)) || (rest !== undefined && isUnknownPair(rest));
    }
    case 'set':
      return type.member === undefined || isUnknown(type.member);
    case 'function':
      return type.args.some(isUnknown) || type.result === undefined || isUnknown(type.result);
    default:
      return false;
  }
}

function isUnknownPair({ key, value }: { readonly key: Type; readonly value: Type }): boolean {
  return isUnknown(key) || isUnknown(value);
}

/**
 * Arithmetic over types as OPA's checker does it. `undefined` is the type of what cannot be: a member that does not
 * exist, a number's keys. `any` stays any.
 */
import { ANY, type ArrayType, BOOLEAN, NULL, NUMBER, type ObjectType, STRING, type Type } from '../builtins/type.ts';
import { equal } from '../value/compare.ts';
import { BigNumber } from '../value/number.ts';
import { isObject, objectEntries } from '../value/object.ts';
import { RegoSet } from '../value/set.ts';
import type { Value } from '../value/value.ts';

/** Larger unions become `any`. */
const MAX_UNION = 40;

export function typeOfValue(value: Value): Type {
  if (value === null) return NULL;
  if (typeof value === 'string') return STRING;
  if (typeof value === 'boolean') return BOOLEAN;
  if (typeof value === 'number' || value instanceof BigNumber) return NUMBER;
  if (Array.isArray(value)) return arrayType((value as readonly Value[]).map(typeOfValue));
  if (value instanceof RegoSet) return { kind: 'set', member: unionOf(value.sorted().map(typeOfValue)) };
  if (!isObject(value)) return ANY;
  return objectType(objectEntries(value).map(([key, each]) => ({ key, value: typeOfValue(each) })));
}

/** The type of `[a, b]`; an empty array may be any array. */
export function arrayType(items: readonly Type[]): ArrayType {
  return items.length === 0 ? { kind: 'array', items, rest: ANY } : { kind: 'array', items };
}

/** The type of an object with these members; an empty object may be any object. */
export function objectType(properties: ObjectType['properties']): ObjectType {
  if (properties.length === 0) return { kind: 'object', properties, rest: { key: ANY, value: ANY } };
  return { kind: 'object', properties };
}

/** Either type; `any` when there is none to choose from. */
export function unionOf(types: readonly (Type | undefined)[]): Type {
  const members: Type[] = [];
  for (const type of types) {
    if (type === undefined) continue;
    for (const each of type.kind === 'union' ? type.of : [type]) {
      if (each.kind === 'any') return ANY;
      if (!members.some((known) => sameType(known, each))) members.push(each);
    }
  }
  const [only, second] = members;
  if (only === undefined || members.length > MAX_UNION) return ANY;
  return second === undefined ? only : { kind: 'union', of: members };
}

function sameType(a: Type, b: Type): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** Whether a value can have both types. */
export function overlaps(a: Type | undefined, b: Type | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  if (a.kind === 'any' || b.kind === 'any') return true;
  if (a.kind === 'union') return a.of.some((each) => overlaps(each, b));
  if (b.kind === 'union') return b.of.some((each) => overlaps(a, each));
  if (a.kind === 'array' && b.kind === 'array') return arraysOverlap(a, b);
  if (a.kind === 'object' && b.kind === 'object') return objectsOverlap(a, b);
  if (a.kind === 'set' && b.kind === 'set') return overlaps(a.member ?? ANY, b.member ?? ANY);
  return a.kind === b.kind;
}

function arraysOverlap(a: ArrayType, b: ArrayType): boolean {
  const fits = (x: ArrayType, y: ArrayType): boolean =>
    x.items.every((item, i) => overlaps(item, y.items[i] ?? y.rest));
  return fits(a, b) && fits(b, a) && (a.rest === undefined || b.rest === undefined || overlaps(a.rest, b.rest));
}

function objectsOverlap(a: ObjectType, b: ObjectType): boolean {
  const fits = (x: ObjectType, y: ObjectType): boolean =>
    x.properties.every(({ key, value }) => overlaps(value, memberType(y, key)));
  const rests = a.rest === undefined || b.rest === undefined || overlaps(a.rest.value, b.rest.value);
  return fits(a, b) && fits(b, a) && rests;
}

/** The type of `x[key]` for a constant key. */
export function memberType(type: Type, key: Value): Type | undefined {
  switch (type.kind) {
    case 'any':
      return ANY;
    case 'union': {
      const found = type.of.map((each) => memberType(each, key)).filter((each) => each !== undefined);
      return found.length === 0 ? undefined : unionOf(found);
    }
    case 'array':
      if (typeof key !== 'number' || !Number.isInteger(key) || key < 0) return undefined;
      return type.items[key] ?? type.rest;
    case 'set':
      return overlaps(typeOfValue(key), type.member ?? ANY) ? (type.member ?? ANY) : undefined;
    case 'object': {
      const found = type.properties.find((each) => equal(each.key, key));
      if (found !== undefined) return found.value;
      return type.rest !== undefined && overlaps(type.rest.key, typeOfValue(key)) ? type.rest.value : undefined;
    }
    default:
      return undefined;
  }
}

/** The type of `x[_]`. */
export function valuesType(type: Type): Type | undefined {
  switch (type.kind) {
    case 'any':
      return ANY;
    case 'union':
      return unionOrNone(type.of.map(valuesType));
    case 'array':
      return unionOf([...type.items, type.rest]);
    case 'set':
      return type.member ?? ANY;
    case 'object':
      return unionOf([...type.properties.map(({ value }) => value), type.rest?.value]);
    default:
      return undefined;
  }
}

/** The type of the keys of x. */
export function keysType(type: Type): Type | undefined {
  switch (type.kind) {
    case 'any':
      return ANY;
    case 'union':
      return unionOrNone(type.of.map(keysType));
    case 'array':
      return NUMBER;
    case 'set':
      return type.member ?? ANY;
    case 'object':
      return unionOf([...type.properties.map(({ key }) => typeOfValue(key)), type.rest?.key]);
    default:
      return undefined;
  }
}

function unionOrNone(types: readonly (Type | undefined)[]): Type | undefined {
  return types.every((each) => each === undefined) ? undefined : unionOf(types);
}

/** A type as OPA writes it in its details. */
export function formatType(type: Type | undefined): string {
  switch (type?.kind) {
    case undefined:
      return '???';
    case 'array': {
      const items = type.items.length === 0 ? [] : [`<${type.items.map(formatType).join(', ')}>`];
      return `array${[...items, ...(type.rest === undefined ? [] : [`[${formatType(type.rest)}]`])].join('')}`;
    }
    case 'set':
      return `set[${formatType(type.member ?? ANY)}]`;
    case 'object':
      return formatObject(type);
    case 'union':
      return `any<${type.of.map(formatType).join(', ')}>`;
    case 'function':
      return `(${type.args.map(formatType).join(', ')}) => ${formatType(type.result)}`;
    default:
      return type?.kind ?? '???';
  }
}

function formatObject({ properties, rest }: ObjectType): string {
  const known = properties.map(
    ({ key, value }) => `${typeof key === 'string' ? key : JSON.stringify(key)}: ${formatType(value)}`,
  );
  const items = known.length === 0 ? '' : `<${known.join(', ')}>`;
  return `object${items}${rest === undefined ? '' : `[${formatType(rest.key)}: ${formatType(rest.value)}]`}`;
}

/** The small type language in which builtins declare themselves and in which the type checker infers. */
import type { Value } from '../value/value.ts';

export type Type =
  | { readonly kind: 'any' | 'string' | 'number' | 'boolean' | 'null' }
  /** What the type checker cannot tell; no builtin declares it. */
  | { readonly kind: 'unknown' }
  | ArrayType
  | SetType
  | ObjectType
  | UnionType
  | FunctionType;

/** The first `items` have their own types, `rest` is the type of any further ones (none when absent). */
export interface ArrayType {
  readonly kind: 'array';
  readonly items: readonly Type[];
  readonly rest?: Type | undefined;
}

export interface SetType {
  readonly kind: 'set';
  /** Absent for the empty set. */
  readonly member?: Type | undefined;
}

/** Known keys, and the types of keys and values beyond them (none when absent). */
export interface ObjectType {
  readonly kind: 'object';
  readonly properties: readonly ObjectProperty[];
  readonly rest?: { readonly key: Type; readonly value: Type } | undefined;
}

export interface ObjectProperty {
  readonly key: Value;
  readonly value: Type;
}

export interface UnionType {
  readonly kind: 'union';
  readonly of: readonly Type[];
}

export interface FunctionType {
  readonly kind: 'function';
  readonly args: readonly Type[];
  readonly result?: Type | undefined;
  /** Type of any number of further arguments. */
  readonly variadic?: Type | undefined;
}

export const ANY: Type = { kind: 'any' };
export const STRING: Type = { kind: 'string' };
export const NUMBER: Type = { kind: 'number' };
export const BOOLEAN: Type = { kind: 'boolean' };
export const NULL: Type = { kind: 'null' };

export function arrayOf(rest: Type): ArrayType {
  return { kind: 'array', items: [], rest };
}

export function tuple(...items: readonly Type[]): ArrayType {
  return { kind: 'array', items };
}

export function setOf(member: Type): SetType {
  return { kind: 'set', member };
}

/** An object of any number of members whose keys and values have these types. */
export function objectOf(key: Type, value: Type): ObjectType {
  return { kind: 'object', properties: [], rest: { key, value } };
}

/** An object with these members, and with any others when `rest` says so. */
export function shape(properties: Readonly<Record<string, Type>>, rest?: ObjectType['rest']): ObjectType {
  return { kind: 'object', properties: Object.entries(properties).map(([key, value]) => ({ key, value })), rest };
}

export function union(...of: readonly Type[]): UnionType {
  return { kind: 'union', of };
}

export const ANY_ARRAY: ArrayType = arrayOf(ANY);
export const ANY_SET: SetType = setOf(ANY);
export const ANY_OBJECT: ObjectType = objectOf(ANY, ANY);

/** Reading values: one step of a ref, and the elements that a scan visits. */
import { BigNumber, toDouble } from '../value/number.ts';
import { type Entry, isObject, objectEntries, objectSize, RegoObject } from '../value/object.ts';
import { RegoSet } from '../value/set.ts';
import type { Value } from '../value/value.ts';

const { hasOwn } = Object;

/** `source[key]`: undefined when there is no such element. Own properties only. */
export function dot(source: Value, key: Value): Value | undefined {
  if (typeof source !== 'object' || source === null) return undefined;
  if (Array.isArray(source)) {
    const index = typeof key === 'number' ? key : key instanceof BigNumber ? toDouble(key) : -1;
    return index >= 0 && Number.isInteger(index) ? (source[index] as Value | undefined) : undefined;
  }
  if (source instanceof RegoSet || source instanceof RegoObject) return source.get(key);
  if (source instanceof BigNumber) return undefined;
  return typeof key === 'string' && hasOwn(source, key) ? (source as Record<string, Value>)[key] : undefined;
}

/** `source[key]` of an object; nothing else has a member here. */
export function objectDot(source: Value, key: Value): Value | undefined {
  return isObject(source) ? dot(source, key) : undefined;
}

/** `source[key]` in a base document, where a number finds the key of that text. */
export function baseDot(source: Value, key: Value): Value | undefined {
  return dot(source, typeof key === 'number' && !Array.isArray(source) ? String(key) : key);
}

/** Keys and values in order, of anything but an array. */
export function elements(source: Value): readonly Entry[] {
  if (source instanceof RegoSet) return source.sorted().map((member) => [member, member] as const);
  return isObject(source) ? objectEntries(source) : [];
}

export function isCollection(value: Value): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof BigNumber);
}

/** An array or object of exactly this size, as a pattern demands. */
export function isShape(value: Value, isArray: number, size: number): boolean {
  if (isArray === 1) return Array.isArray(value) && value.length === size;
  return isObject(value) && objectSize(value) === size;
}

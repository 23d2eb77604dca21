/** Values as Go's text/template sees, compares and prints them. */
import { BigNumber, isNumber, numberText } from '../value/number.ts';
import { isObject, objectEntries, objectGet, objectSize } from '../value/object.ts';
import type { Value } from '../value/value.ts';
import { BuiltinError } from './builtin.ts';
import { toBytes } from './bytes.ts';
import type { Argument } from './sprintf.ts';

/** A number that the template itself made; numbers of the document are texts to Go, and do not compare with these. */
export class TemplateNumber {
  readonly value: number;
  readonly isFloat: boolean;
  constructor(value: number, isFloat = false) {
    this.value = value;
    this.isFloat = isFloat;
  }
}

/** Undefined is a missing value. */
export type Item = Value | TemplateNumber | undefined;
export function failure(message: string): BuiltinError {
  return new BuiltinError(`template: template: executing "template": ${message}`);
}

export function fieldOf(value: Item, name: string): Item {
  if (value === undefined || value === null) {
    if (value === null) throw failure(`nil pointer evaluating interface {}.${name}`);
    return undefined;
  }
  if (value instanceof TemplateNumber || !isObject(value))
    throw failure(`can't evaluate field ${name} in type ${typeOf(value)}`);
  return objectGet(value, name);
}

export function isTrue(value: Item): boolean {
  if (value === undefined || value === null || value === false || value === '') return false;
  if (value instanceof TemplateNumber) return value.value !== 0;
  if (Array.isArray(value)) return value.length > 0;
  return !isObject(value) || objectSize(value) > 0;
}

export function itemsOf(value: Item): readonly (readonly [Item, Item])[] {
  if (value === undefined || value === null) return [];
  if (value instanceof TemplateNumber) {
    if (value.value > 100_000) throw failure('range is too long');
    return Array.from(
      { length: Math.max(0, value.value) },
      (_, index) => [new TemplateNumber(index), new TemplateNumber(index)] as const,
    );
  }
  if (Array.isArray(value)) return value.map((item, index) => [new TemplateNumber(index), item as Value] as const);
  if (isObject(value)) return objectEntries(value);
  throw failure(`range can't iterate over ${goText(value)}`);
}

export function length(value: Item): number {
  if (typeof value === 'string') return new TextEncoder().encode(value).length;
  // A number of the document is a text to Go.
  if (isNumber(value)) return numberText(value).length;
  if (Array.isArray(value)) return value.length;
  if (value !== undefined && !(value instanceof TemplateNumber) && isObject(value)) return objectSize(value);
  throw failure(`error calling len: len of type ${typeOf(value)}`);
}

export function at(value: Item, key: Item): Item {
  if (Array.isArray(value)) return value[indexWithin(key, value.length)] as Value;
  if (typeof value === 'string') {
    const bytes = toBytes(value);
    return new TemplateNumber(bytes[indexWithin(key, bytes.length)] ?? 0);
  }
  if (value === undefined || value instanceof TemplateNumber || !isObject(value)) {
    throw failure(`error calling index: can't index item of type ${typeOf(value)}`);
  }
  if (typeof key !== 'string') throw failure(`error calling index: value has type ${typeOf(key)}; should be string`);
  return objectGet(value, key);
}

function indexWithin(key: Item, size: number): number {
  const index = key instanceof TemplateNumber ? key.value : Number.NaN;
  if (!Number.isInteger(index)) throw failure(`error calling index: cannot index slice/array with type ${typeOf(key)}`);
  if (index < 0 || index >= size) throw failure(`error calling index: index out of range: ${index}`);
  return index;
}

export function slice(value: Item, from: Item, to: Item): Item {
  const bound = (item: Item): number | undefined => (item instanceof TemplateNumber ? item.value : undefined);
  const beyond = [from, to].map(bound).find((index) => index !== undefined && index > length(value));
  if (beyond !== undefined) throw failure(`error calling slice: index out of range: ${beyond}`);
  if (typeof value === 'string') return value.slice(bound(from), bound(to));
  if (Array.isArray(value)) return (value as readonly Value[]).slice(bound(from), bound(to));
  throw failure(`error calling slice: can't slice item of type ${typeOf(value)}`);
}

/** Go compares texts with texts and numbers with numbers only; the document's numbers are texts. */
function comparable(value: Item): string | number | boolean {
  if (value instanceof TemplateNumber) return value.value;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (isNumber(value)) return numberText(value);
  throw failure(`non-comparable type ${goText(value)}: ${typeOf(value)}`);
}

function pair(x: Item, y: Item): readonly [string | number | boolean, string | number | boolean] {
  const [left, right] = [comparable(x), comparable(y)];
  const isMixed = x instanceof TemplateNumber && y instanceof TemplateNumber && x.isFloat !== y.isFloat;
  if (isMixed || typeof left !== typeof right)
    throw failure(`incompatible types for comparison: ${typeOf(x)} and ${typeOf(y)}`);
  return [left, right];
}

export function same(x: Item, y: Item): boolean {
  if (x === null || y === null || x === undefined || y === undefined) return (x ?? null) === (y ?? null);
  const [left, right] = pair(x, y);
  return left === right;
}

export function order(x: Item, y: Item): number {
  const [left, right] = pair(x, y);
  if (typeof left === 'boolean') throw failure('invalid type for comparison');
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function typeOf(value: Item): string {
  if (value instanceof TemplateNumber) return value.isFloat ? 'float64' : 'int';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number' || value instanceof BigNumber) return 'json.Number';
  if (Array.isArray(value)) return '[]interface {}';
  return value === undefined || value === null ? 'nil' : 'map[string]interface {}';
}

/** As Go prints with %v. */
export function goText(value: Item): string {
  if (value === undefined || value === null) return '<no value>';
  if (value instanceof TemplateNumber) return String(value.value);
  if (isNumber(value)) return numberText(value);
  if (Array.isArray(value)) return `[${value.map((item) => innerText(item as Value)).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  if (!isObject(value)) return goText([...value]);
  return `map[${objectEntries(value)
    .map(([key, item]) => `${innerText(key)}:${innerText(item)}`)
    .join(' ')}]`;
}

function innerText(value: Value): string {
  return value === null ? '<nil>' : goText(value);
}

/** Go puts a space between two values when neither is a text. */
export function printed(args: readonly Item[]): string {
  return args.reduce<string>((text, item, index) => {
    const isApart = index > 0 && typeof item !== 'string' && typeof args[index - 1] !== 'string';
    return `${text}${isApart ? ' ' : ''}${shownText(item)}`;
  }, '');
}

export function shownText(item: Item): string {
  return item === undefined || item === null ? '<nil>' : goText(item);
}

/** What `printf` is given: numbers of the document are texts to Go. */
export function printfArgument(value: Item): Argument {
  if (value === undefined || value === null) return { type: '<nil>' };
  if (value instanceof TemplateNumber) {
    return value.isFloat ? { type: 'float64', value: value.value } : { type: 'int64', value: BigInt(value.value) };
  }
  return { type: isNumber(value) ? 'json.Number' : 'string', value: goText(value) };
}

export function escapeHtml(char: string): string {
  const named: Readonly<Record<string, string>> = {
    '"': '&#34;',
    "'": '&#39;',
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
  };
  return named[char] ?? '\ufffd';
}

export function escapeScript(char: string): string {
  const named: Readonly<Record<string, string>> = { '\\': '\\\\', "'": "\\'", '"': '\\"' };
  return named[char] ?? `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}

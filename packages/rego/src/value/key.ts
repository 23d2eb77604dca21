/**
 * Keys under which JavaScript's Map finds a Rego value: equal values, and only they, have the same key.
 * Strings, booleans and null are their own keys, numbers too where a JS number can say them; composites
 * have a text, marked so that no string can be mistaken for it because they live in another map.
 */
import { BigNumber } from './number.ts';
import { isObject, objectEntries } from './object.ts';
import { RegoSet } from './set.ts';
import type { Value } from './value.ts';

export type PrimitiveKey = string | number | boolean | null;

/** The JS primitive that stands for the value, or undefined when it needs {@link compositeKey}. */
export function primitiveKey(value: Value): PrimitiveKey | undefined {
  if (value === null || typeof value !== 'object') return value;
  return value instanceof BigNumber ? numberKey(value) : undefined;
}

export function compositeKey(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (value instanceof BigNumber) return String(numberKey(value) ?? decimalKey(value));
  if (Array.isArray(value)) return `[${value.map(compositeKey).join()}]`;
  if (value instanceof RegoSet) return `<${value.sorted().map(compositeKey).join()}>`;
  if (!isObject(value)) throw new TypeError('not a Rego value');
  return `{${objectEntries(value)
    .map(([key, item]) => `${compositeKey(key)}:${compositeKey(item)}`)
    .join()}}`;
}

function numberKey(value: BigNumber): number | undefined {
  const { coefficient, digits, exponent, negative } = value.decimal;
  if (coefficient === 0n) return 0;
  // 17 digits identify a double; more than that, and only a BigNumber can say it (2^53 + 1, but also 2^64).
  if (digits > 17 || digits + exponent > 310 || digits + exponent < -330) return undefined;
  const text = `${negative ? '-' : ''}${coefficient}e${exponent}`;
  const number = Number(text);
  return Number.isFinite(number) && sameDecimal(number, value) ? number : undefined;
}

function sameDecimal(number: number, value: BigNumber): boolean {
  const [mantissa = '', exponent = '0'] = Math.abs(number).toExponential().split('e');
  const digits = mantissa.replace('.', '').replace(/0+$/, '');
  const { decimal } = value;
  return digits === String(decimal.coefficient) && Number(exponent) + 1 === decimal.digits + decimal.exponent;
}

function decimalKey(value: BigNumber): string {
  const { coefficient, exponent, negative } = value.decimal;
  return `${negative ? '-' : ''}${coefficient}e${exponent}`;
}

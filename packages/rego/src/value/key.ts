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

/** Values may nest deeper than the stack does: what is still to be written waits in a list. */
export function compositeKey(value: Value): string {
  let text = '';
  const waiting: (Value | Punctuation)[] = [value];
  while (waiting.length > 0) {
    const next = waiting.pop() as Value | Punctuation;
    if (next instanceof Punctuation) text += next.text;
    else if (next === null || typeof next !== 'object' || next instanceof BigNumber) text += scalarKey(next);
    else {
      const parts = partsOf(next);
      for (let at = parts.length - 1; at >= 0; at -= 1) waiting.push(parts[at] as Value | Punctuation);
    }
  }
  return text;
}

class Punctuation {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const COMMA = new Punctuation(',');
const COLON = new Punctuation(':');
const ARRAY = [new Punctuation('['), new Punctuation(']')] as const;
const SET = [new Punctuation('<'), new Punctuation('>')] as const;
const OBJECT = [new Punctuation('{'), new Punctuation('}')] as const;

/** What is written for a composite, one after the other. */
function partsOf(value: Value): readonly (Value | Punctuation)[] {
  if (Array.isArray(value)) return enclosed(value as readonly Value[], ARRAY);
  if (value instanceof RegoSet) return enclosed(value.sorted(), SET);
  if (!isObject(value)) throw new TypeError('not a Rego value');
  const parts: (Value | Punctuation)[] = [OBJECT[0]];
  for (const [key, item] of objectEntries(value)) {
    if (parts.length > 1) parts.push(COMMA);
    parts.push(key, COLON, item);
  }
  parts.push(OBJECT[1]);
  return parts;
}

function enclosed(
  items: readonly Value[],
  [open, close]: readonly [Punctuation, Punctuation],
): readonly (Value | Punctuation)[] {
  const parts: (Value | Punctuation)[] = [open];
  for (const item of items) {
    if (parts.length > 1) parts.push(COMMA);
    parts.push(item);
  }
  parts.push(close);
  return parts;
}

function scalarKey(value: PrimitiveKey | BigNumber): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return value instanceof BigNumber ? String(numberKey(value) ?? decimalKey(value)) : String(value);
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

/** Values as Rego text: what `sprintf("%v")`, `print` and template strings show. */
import { BigNumber } from '../value/number.ts';
import { isObject, objectEntries } from '../value/object.ts';
import { RegoSet } from '../value/set.ts';
import type { Value } from '../value/value.ts';

export function regoText(value: Value): string {
  if (typeof value === 'string') return quote(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (value instanceof BigNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map((item) => regoText(item as Value)).join(', ')}]`;
  if (value instanceof RegoSet) {
    return value.size === 0 ? 'set()' : `{${value.sorted().map(regoText).join(', ')}}`;
  }
  if (!isObject(value)) throw new TypeError('not a Rego value');
  const members = objectEntries(value).map(([key, item]) => `${regoText(key)}: ${regoText(item)}`);
  return `{${members.join(', ')}}`;
}

const SHORT: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};

/** Go's `strconv.Quote`. */
export function quote(text: string): string {
  let result = '"';
  for (const rune of text) result += SHORT[rune] ?? (isPrintable(rune) ? rune : escapeRune(rune));
  return `${result}"`;
}

/** Letters, marks, numbers, punctuation, symbols and the ASCII space. */
export function isPrintable(rune: string): boolean {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(rune);
}

export function escapeRune(rune: string): string {
  const code = rune.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code > 0xffff) return `\\U${code.toString(16).padStart(8, '0')}`;
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Strings, counted in characters (code points) as Go's runes. */
import { objectEntries } from '../value/object.ts';
import type { Value } from '../value/value.ts';
import { runeCount } from './aggregates.ts';
import { type Builtin, BuiltinError } from './builtin.ts';
import { fromBytes, toBytes } from './bytes.ts';
import {
  arrayOperand,
  integerOperand,
  membersOf,
  objectOperand,
  operandError,
  operandTypeError,
  stringOperand,
  stringsOperand,
} from './operand.ts';
import { formatGo } from './sprintf.ts';
import { ANY_ARRAY, arrayOf, BOOLEAN, NUMBER, objectOf, STRING, setOf, union } from './type.ts';

const STRING_LIST = union(setOf(STRING), arrayOf(STRING));
const STRING_OR_LIST = union(STRING, setOf(STRING), arrayOf(STRING));
/** Longest string that joining or replacing may make. */
const MAX_LENGTH = 16 * 1024 * 1024;

export const STRINGS: readonly Builtin[] = [
  test('startswith', (text, prefix) => text.startsWith(prefix)),
  test('endswith', (text, suffix) => text.endsWith(suffix)),
  test('contains', (text, part) => text.includes(part)),
  anyMatch('strings.any_prefix_match', (text, prefix) => text.startsWith(prefix)),
  anyMatch('strings.any_suffix_match', (text, suffix) => text.endsWith(suffix)),
  map('lower', goLower),
  map('upper', goUpper),
  map('trim_space', (text) => trimRunes(text, isGoSpace, 'both')),
  map('strings.reverse', (text) => Array.from(text).reverse().join('')),
  cut('trim', (text, cutset) => trimRunes(text, (rune) => cutset.includes(rune), 'both')),
  cut('trim_left', (text, cutset) => trimRunes(text, (rune) => cutset.includes(rune), 'left')),
  cut('trim_right', (text, cutset) => trimRunes(text, (rune) => cutset.includes(rune), 'right')),
  cut('trim_prefix', (text, prefix) => (text.startsWith(prefix) ? text.slice(prefix.length) : text)),
  cut('trim_suffix', (text, suffix) => (suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text)),
  {
    name: 'concat',
    args: [STRING, STRING_LIST],
    result: STRING,
    evaluate: (_, separator, parts) => concat(stringOperand(separator, 1), parts),
  },
  {
    name: 'split',
    args: [STRING, STRING],
    result: arrayOf(STRING),
    evaluate: (_, text, separator) => split(stringOperand(text, 1), stringOperand(separator, 2)),
  },
  {
    name: 'strings.split_n',
    args: [STRING, STRING, NUMBER],
    result: arrayOf(STRING),
    evaluate: (_, text, separator, count) =>
      splitN(stringOperand(text, 1), stringOperand(separator, 2), integerOperand(count, 3)),
  },
  {
    name: 'substring',
    args: [STRING, NUMBER, NUMBER],
    result: STRING,
    evaluate: (_, text, offset, length) =>
      substring(stringOperand(text, 1), integerOperand(offset, 2), integerOperand(length, 3)),
  },
  {
    name: 'indexof',
    args: [STRING, STRING],
    result: NUMBER,
    evaluate: (_, text, part) => indexes(stringOperand(text, 1), stringOperand(part, 2))[0] ?? -1,
  },
  {
    name: 'indexof_n',
    args: [STRING, STRING],
    result: arrayOf(NUMBER),
    evaluate: (_, text, part) => indexes(stringOperand(text, 1), stringOperand(part, 2)),
  },
  {
    name: 'strings.count',
    args: [STRING, STRING],
    result: NUMBER,
    evaluate: (_, text, part) => occurrences(stringOperand(text, 1), stringOperand(part, 2)),
  },
  {
    name: 'replace',
    args: [STRING, STRING, STRING],
    result: STRING,
    evaluate: (_, text, from, to) =>
      replaceAll(stringOperand(text, 1), [[stringOperand(from, 2), stringOperand(to, 3)]]),
  },
  {
    name: 'strings.replace_n',
    args: [objectOf(STRING, STRING), STRING],
    result: STRING,
    evaluate: (_, pairs, text) => replaceN(pairs, text),
  },
  {
    name: 'sprintf',
    args: [STRING, ANY_ARRAY],
    result: STRING,
    evaluate: (_, format, values) => formatGo(stringOperand(format, 1), arrayOperand(values, 2)),
  },
];

function test(name: string, holds: (text: string, part: string) => boolean): Builtin {
  return {
    name,
    args: [STRING, STRING],
    result: BOOLEAN,
    evaluate: (_, text, part) => holds(stringOperand(text, 1), stringOperand(part, 2)),
  };
}

function cut(name: string, apply: (text: string, part: string) => string): Builtin {
  return {
    name,
    args: [STRING, STRING],
    result: STRING,
    evaluate: (_, text, part) => apply(stringOperand(text, 1), stringOperand(part, 2)),
  };
}

function map(name: string, apply: (text: string) => string): Builtin {
  return { name, args: [STRING], result: STRING, evaluate: (_, text) => apply(stringOperand(text, 1)) };
}

function anyMatch(name: string, matches: (text: string, part: string) => boolean): Builtin {
  return {
    name,
    args: [STRING_OR_LIST, STRING_OR_LIST],
    result: BOOLEAN,
    evaluate: (_, search, base) => {
      const [texts, parts] = [oneOrMany(search, 1), oneOrMany(base, 2)];
      return texts.some((text) => parts.some((part) => matches(text, part)));
    },
  };
}

function oneOrMany(value: Value, position: number): readonly string[] {
  if (typeof value === 'string') return [value];
  if (membersOf(value) === undefined) throw operandTypeError(position, value, 'string', 'set', 'array');
  return stringsOperand(value, position);
}

function concat(separator: string, parts: Value): string {
  if (membersOf(parts) === undefined) throw operandTypeError(2, parts, 'set', 'array');
  const texts = stringsOperand(parts, 2);
  let result = texts[0] ?? '';
  for (let i = 1; i < texts.length; i += 1) result += separator + texts[i];
  return bounded(result);
}

function split(text: string, separator: string): readonly string[] {
  return separator === '' ? Array.from(text) : text.split(separator);
}

/** The first `count` parts, or for a negative count the last ones. */
function splitN(text: string, separator: string, count: number): readonly string[] {
  const parts = split(text, separator);
  return count < 0 ? parts.slice(count) : parts.slice(0, count);
}

function substring(text: string, offset: number, length: number): string {
  if (offset < 0) throw new BuiltinError('negative offset');
  const runes = Array.from(text);
  return runes.slice(offset, length < 0 ? undefined : offset + length).join('');
}

function indexes(text: string, part: string): readonly number[] {
  if (part === '') throw new BuiltinError('empty search character');
  const found: number[] = [];
  let runes = 0;
  let seen = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) {
    runes += runeCount(text.slice(seen, at));
    seen = at;
    found.push(runes);
  }
  return found;
}

function occurrences(text: string, part: string): number {
  return part === '' ? runeCount(text) + 1 : text.split(part).length - 1;
}

function replaceN(pairs: Value, text: Value): string {
  const patterns = objectEntries(objectOperand(pairs, 1));
  const subject = stringOperand(text, 2);
  return replaceAll(
    subject,
    patterns.map(([from, to]) => {
      if (typeof from !== 'string') throw operandError(1, 'non-string key found in pattern object');
      if (typeof to !== 'string') throw operandError(1, 'non-string value found in pattern object');
      return [from, to] as const;
    }),
  );
}

/**
 * As Go's Replacer: at each place the first pattern that matches wins; an empty one matches once at each byte and at
 * the end, and what else matches there follows it. A character cut into its bytes is no UTF-8 any more.
 */
function replaceAll(text: string, patterns: readonly (readonly [from: string, to: string])[]): string {
  const empty = patterns.find(([from]) => from === '')?.[1];
  let result = '';
  let matchedEmpty = false;
  for (let at = 0; at <= text.length; ) {
    const match = patterns.find(([from]) => text.startsWith(from, at) && !(from === '' && matchedEmpty));
    matchedEmpty = match?.[0] === '';
    if (match !== undefined) {
      result = bounded(result + match[1]);
      at += match[0].length;
      continue;
    }
    const rune = String.fromCodePoint(text.codePointAt(at) ?? 0);
    if (at < text.length) result += empty === undefined ? rune : bytewise(rune, empty);
    at += rune.length;
  }
  return result;
}

function bytewise(rune: string, between: string): string {
  if (between === '') return rune;
  return Array.from(toBytes(rune), (byte) => fromBytes(Uint8Array.of(byte))).join(between);
}

function bounded(text: string): string {
  if (text.length > MAX_LENGTH) throw new BuiltinError(`string longer than ${MAX_LENGTH} characters`);
  return text;
}

function trimRunes(text: string, cutOff: (rune: string) => boolean, sides: 'both' | 'left' | 'right'): string {
  const runes = Array.from(text);
  const keep = (rune: string): boolean => !cutOff(rune);
  const start = sides === 'right' ? 0 : runes.findIndex(keep);
  if (start < 0) return '';
  return runes.slice(start, sides === 'left' ? undefined : runes.findLastIndex(keep) + 1).join('');
}

/** Unicode White_Space, which is not quite what JavaScript trims. */
function isGoSpace(rune: string): boolean {
  return /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/.test(rune);
}

/** Character by character, as Go does: no special casing such as `ß` → `SS` or a final sigma. */
function goUpper(text: string): string {
  return mapRunes(text, (rune) => upperOfIota(rune) ?? rune.toUpperCase());
}

/** Greek letters with a small iota below: one character in Unicode's simple mapping, two in JavaScript's. */
function upperOfIota(rune: string): string | undefined {
  if (/[\u1f80-\u1f87\u1f90-\u1f97\u1fa0-\u1fa7]/.test(rune)) return String.fromCharCode(rune.charCodeAt(0) + 8);
  return /[\u1fb3\u1fc3\u1ff3]/.test(rune) ? String.fromCharCode(rune.charCodeAt(0) + 9) : undefined;
}

function goLower(text: string): string {
  return mapRunes(text, (rune) => (rune === '\u0130' ? 'i' : rune.toLowerCase()));
}

function mapRunes(text: string, change: (rune: string) => string): string {
  if (!/[\u0080-\uffff]/.test(text)) return change(text);
  let result = '';
  for (const rune of text) {
    const changed = change(rune);
    result += runeCount(changed) === 1 ? changed : rune;
  }
  return result;
}

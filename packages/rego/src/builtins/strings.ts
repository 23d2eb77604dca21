/** Strings, counted in characters (code points) as Go's runes. */
import { objectEntries } from '../value/object.ts';
import type { Value } from '../value/value.ts';
import { runeCount } from './aggregates.ts';
import { type Builtin, BuiltinError } from './builtin.ts';
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
import { replaceAll } from './replacer.ts';
import { formatGo } from './sprintf.ts';
import { bounded } from './text-length.ts';
import { isPart, positionsOf, splitText } from './text-search.ts';
import { ANY_ARRAY, arrayOf, BOOLEAN, NUMBER, objectOf, STRING, setOf, union } from './type.ts';

const STRING_LIST = union(setOf(STRING), arrayOf(STRING));
const STRING_OR_LIST = union(STRING, setOf(STRING), arrayOf(STRING));

export const STRINGS: readonly Builtin[] = [
  test('startswith', (text, prefix) => text.startsWith(prefix)),
  test('endswith', (text, suffix) => text.endsWith(suffix)),
  test('contains', isPart),
  anyMatch('strings.any_prefix_match', (text, length) => text.slice(0, length)),
  anyMatch('strings.any_suffix_match', (text, length) => text.slice(text.length - length)),
  map('lower', goLower),
  map('upper', goUpper),
  map('trim_space', (text) => trimRunes(text, isGoSpace, 'both')),
  map('strings.reverse', (text) => Array.from(text).reverse().join('')),
  cut('trim', (text, cutset) => trimCutset(text, cutset, 'both')),
  cut('trim_left', (text, cutset) => trimCutset(text, cutset, 'left')),
  cut('trim_right', (text, cutset) => trimCutset(text, cutset, 'right')),
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

/** Parts are looked up by their lengths: two long lists must not be compared each with each. */
function anyMatch(name: string, partOf: (text: string, length: number) => string): Builtin {
  return {
    name,
    args: [STRING_OR_LIST, STRING_OR_LIST],
    result: BOOLEAN,
    evaluate: (_, search, base) => {
      const [texts, parts] = [oneOrMany(search, 1), new Set(oneOrMany(base, 2))];
      const lengths = [...new Set(Array.from(parts, ({ length }) => length))];
      return texts.some((text) => lengths.some((length) => length <= text.length && parts.has(partOf(text, length))));
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
  return separator === '' ? Array.from(text) : splitText(text, separator);
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
  for (const at of positionsOf(text, part, 1)) {
    runes += runeCount(text.slice(seen, at));
    seen = at;
    found.push(runes);
  }
  return found;
}

function occurrences(text: string, part: string): number {
  return part === '' ? runeCount(text) + 1 : positionsOf(text, part).length;
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

function trimCutset(text: string, cutset: string, sides: 'both' | 'left' | 'right'): string {
  const runes = new Set(cutset);
  return trimRunes(text, (rune) => runes.has(rune), sides);
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

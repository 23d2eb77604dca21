/** Damage to texts and values: bytes, tokens, repetitions, pieces of other texts. */
import type { Value } from '@sidegate/rego';
import type { SeededRandom } from './seeded-random.ts';

const DICTIONARY = [
  'package ',
  'import ',
  'data.',
  'input.',
  'default ',
  'else ',
  'if ',
  'contains ',
  'some ',
  'every ',
  ' in ',
  'not ',
  ' with ',
  ' as ',
  ':=',
  '==',
  '!=',
  '<=',
  '|',
  '&',
  '-',
  '/',
  '%',
  '*',
  '..',
  '[_]',
  '[[',
  '{{',
  '((',
  ')',
  ']',
  '}',
  '"',
  '`',
  '\\u',
  '\\',
  '$"{',
  '#',
  '\n',
  '\t',
  '\u0000',
  '\ufeff',
  '\ud800',
  '😀',
  'é',
  '0x1',
  '1e999',
  '-0',
  '1e-999',
  '99999999999999999999',
  '__proto__',
  'constructor',
  'toString',
  '__local0__',
  'walk(',
  'count(',
  'sprintf("%v", ',
  'regex.match("(a+)+$", ',
  'numbers.range(0, 1000000)',
  'object.union_n(',
  'json.unmarshal(',
  'time.now_ns()',
  'glob.match("{**,*}", [], ',
  'split("", "")',
  'strings.repeat',
  'null',
  'true',
  'set()',
  'import rego.v1\n',
  'import future.keywords\n',
  'rule[x].y contains z if ',
  'f(x) := x',
] as const;
const LONGEST = 20_000;
const ODD_VALUES: readonly Value[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  '',
  'a',
  '__proto__',
  '\u0000',
  '😀',
  '\ud800',
  'x'.repeat(1_000),
  '2026-11-22T00:00:00Z',
  '10.0.0.0/8',
  '[',
  '(a+)+',
  [],
  {},
  [[[[]]]],
  { a: { a: { a: 1 } } },
  { '': 1, constructor: 2 },
];

/** One to four damages of `text`; `other` lends pieces. */
export function mutatedText(random: SeededRandom, text: string, other: string): string {
  let mutated = text;
  for (let count = 1 + random.below(4); count > 0; count -= 1) mutated = once(random, mutated, other);
  return mutated.slice(0, LONGEST);
}

function once(random: SeededRandom, text: string, other: string): string {
  const at = random.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + random.below(12));
  const splice = (piece: string, until = at): string => text.slice(0, at) + piece + text.slice(until);
  switch (random.below(9)) {
    case 0:
      return splice('', end);
    case 1:
      return splice(random.pick(DICTIONARY));
    case 2:
      return splice(random.pick(DICTIONARY), end);
    case 3:
      return splice(String.fromCodePoint(random.chance(0.9) ? random.below(128) : random.below(0xd000)), at + 1);
    case 4:
      return splice(text.slice(at, end).repeat(1 + random.below(random.chance(0.05) ? 300 : 4)));
    case 5: {
      const from = random.below(other.length + 1);
      return splice(other.slice(from, from + random.below(80)));
    }
    case 6:
      return text.slice(0, at);
    case 7: {
      const lines = text.split('\n');
      lines.splice(random.below(lines.length), 0, random.pick(other.split('\n')));
      return lines.join('\n');
    }
    default: {
      const words = text.match(/\w+/g) ?? ['x'];
      return splice(random.pick(words), end);
    }
  }
}

/** The value with something in it exchanged, removed or added. */
export function mutatedValue(random: SeededRandom, value: Value): Value {
  if (random.chance(0.2)) return random.pick(ODD_VALUES);
  if (Array.isArray(value)) {
    const items = [...(value as readonly Value[])];
    if (items.length === 0 || random.chance(0.3)) return [...items, random.pick(ODD_VALUES)];
    const at = random.below(items.length);
    if (random.chance(0.3)) return items.toSpliced(at, 1);
    return items.with(at, mutatedValue(random, items[at] ?? null));
  }
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return random.pick(ODD_VALUES);
  }
  const entries = Object.entries(value as Readonly<Record<string, Value>>);
  const [name, member] = entries.length === 0 ? ['a', null] : random.pick(entries);
  const others = entries.filter(([other]) => other !== name);
  if (random.chance(0.2)) return Object.fromEntries(others);
  if (random.chance(0.2))
    return Object.fromEntries([...entries, [random.pick(['__proto__', 'exp', 'a', '']), random.pick(ODD_VALUES)]]);
  return Object.fromEntries([...others, [name, mutatedValue(random, member)]]);
}

/** Arguments for builtins, as Rego terms, by type; and the rows of arguments that a table makes of them. */
import type { BuiltinRows } from '../builtin-batch.ts';

export const text = (value: string): string =>
  JSON.stringify(value).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
export const texts = (...values: readonly string[]): readonly string[] => values.map(text);

export const NUMBERS: readonly string[] = [
  '0',
  '1',
  '-1',
  '2',
  '3',
  '7',
  '10',
  '-10',
  '255',
  '1.0',
  '-0.0',
  '0.1',
  '0.5',
  '-0.5',
  '1.5',
  '2.5',
  '-2.5',
  '3.999',
  '1e2',
  '1e3',
  '1.5e3',
  '100e-2',
  '1e-7',
  '5e-324',
  '1e21',
  '1.7976931348623157e308',
  '2147483647',
  '2147483648',
  '4294967296',
  '9007199254740991',
  '9007199254740993',
  '-9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775808',
  '18446744073709551616',
  '123456789012345678901234567890',
  '-123456789012345678901234567890',
  '0.1234567890123456789012345',
  '123456789012345678901234567890.5',
  '1e400',
  '1e-400',
  '-1e400',
  '0.30000000000000004',
  '1000000',
  '1234567.891',
  '1e20',
  '123456789.123456789',
  '1e1',
  '10.50',
  '1E5',
  '100000000000000000000.0',
];

export const INTEGERS: readonly string[] = [
  '0',
  '1',
  '2',
  '-1',
  '3',
  '5',
  '8',
  '10',
  '64',
  '-7',
  '1.0',
  '1.5',
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775808',
  '123456789012345678901234567890',
  '1e2',
];

export const STRINGS: readonly string[] = [
  ...texts(
    '',
    'a',
    'b',
    'ab',
    'abc',
    'aab',
    'A',
    'AbC',
    ' a ',
    '\t\n a\r\n',
    'a.b.c',
    'a/b',
    'ü',
    'ÄÖ',
    'straße',
    'ß',
    'İı',
    'é',
    'e\u0301',
    '日本語',
    '😀',
    'a😀b',
    '👨‍👩‍👧',
    '\u00a0x\u00a0',
    '\u2028',
    '\u0000',
    'a\u0000b',
    '\ufffd',
    '\ufeff',
    '"q"',
    "'",
    '\\',
    '%',
    '%41',
    '$1',
    '${x}',
    '{{.x}}',
    '<&>',
    '0',
    '1',
    '-1',
    '1.5',
    '1e3',
    '0x1F',
    'true',
    'null',
    '[1]',
    '{"a":1}',
    'a,b,c',
    'a, b',
    'key: value',
    'Ω≈ç',
    '\u{10ffff}',
    'DŽdžDz',
    'ΑΣ',
    '\u007f',
    '\u0085',
    'a\tb',
    'x'.repeat(100),
  ),
];

export const ARRAYS: readonly string[] = [
  '[]',
  '[1]',
  '[1, 2, 3]',
  '[3, 1, 2]',
  '["a", "b"]',
  '["b", "a", "a"]',
  '[1, "a", null, true, [1], {"a": 1}, {1}]',
  '[[1, 2], [3]]',
  '[[], [[]]]',
  '[{"a": 1}, {"a": 2}]',
  '[null]',
  '[false]',
  '[true, true]',
  '[1.5, 2.5]',
  '[0.1, 0.2]',
  '[{1, 2}, set()]',
  '[1e400, 2]',
  '[9007199254740993, 1]',
  '[1, 1.0, 2]',
  '["a", 1]',
  '[-1]',
];

export const SETS: readonly string[] = [
  'set()',
  '{1}',
  '{1, 2, 3}',
  '{"a", "b"}',
  '{3, 1, 2}',
  '{1, "a", null, true, [1], {"a": 1}, {1}}',
  '{{1}, {2, 1}}',
  '{[1], [2]}',
  '{1.5, 2}',
  '{true}',
  '{false}',
  '{null}',
  '{set()}',
  '{9007199254740993}',
  '{1.0}',
];

export const OBJECTS: readonly string[] = [
  '{}',
  '{"a": 1}',
  '{"a": 1, "b": 2}',
  '{"b": {"c": [1, {"d": 2}]}, "a": null}',
  '{1: "x"}',
  '{"1": "x", 1: "y"}',
  '{[1]: 2, {1}: 3, null: 4, true: 5}',
  '{"a": {"b": {"c": 1}}}',
  '{"a": {"b": 2}, "c": {3}}',
  '{"": 0}',
  '{"a": []}',
  '{"a": [1, 2, {"x": "y"}]}',
  '{"a": {1, 2}}',
  '{"~": 1, "/": 2, "a/b": 3}',
  '{"__proto__": 1, "constructor": 2}',
  '{{"k": 1}: "v"}',
  '{1.0: "x"}',
  '{"ü": "ö"}',
];

export const SCALARS: readonly string[] = ['null', 'true', 'false', '0', '1', '1.5', '"a"', '""'];

/** One or two of each type: what an argument must not be. */
export const WRONG: readonly string[] = [
  'null',
  'true',
  '1',
  '-1.5',
  '"a"',
  '[]',
  '["a", 1]',
  '{}',
  '{"a": 1}',
  'set()',
  '{1, "a"}',
];

export const ANYTHING: readonly string[] = [
  ...SCALARS,
  ...ARRAYS,
  ...SETS,
  ...OBJECTS,
  ...NUMBERS.slice(10, 40),
  ...STRINGS.slice(0, 30),
];

export interface Call {
  readonly expression?: string;
  /** At most so many combinations of the pools. */
  readonly limit?: number;
  /** Rows beside the combinations. */
  readonly rows?: readonly (readonly string[])[];
}

const COMBINATIONS = 400;

/** All combinations of the pools (evenly thinned), and each wrong type at each position beside typical arguments. */
export function calls(
  name: string,
  pools: readonly (readonly string[])[],
  { expression, limit = COMBINATIONS, rows = [] }: Call = {},
): BuiltinRows {
  const typical = pools.map((pool) => pool[Math.min(1, pool.length - 1)] as string);
  const wrong = pools.flatMap((_, position) => WRONG.map((term) => typical.with(position, term)));
  return { name, expression, rows: [...rows, ...combinations(pools, limit), ...wrong] };
}

function combinations(pools: readonly (readonly string[])[], limit: number): readonly (readonly string[])[] {
  const total = pools.reduce((product, pool) => product * pool.length, 1);
  const count = Math.min(total, limit);
  return Array.from({ length: count }, (_, index) => {
    let place =
      total === count
        ? index
        : Math.floor((index * total) / count + ((index * 7919) % Math.max(1, Math.floor(total / count))));
    return pools.map((pool) => {
      const term = pool[place % pool.length] as string;
      place = Math.floor(place / pool.length);
      return term;
    });
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { JsonError, type JsonErrorKind, parseStrictJson } from './strict-json.ts';

const parse = (text: string) => parseStrictJson(Buffer.from(text));

function refuses(input: string | Buffer, kind: JsonErrorKind): void {
  assert.throws(
    () => parseStrictJson(Buffer.from(input as string)),
    (error) => error instanceof JsonError && error.kind === kind,
    JSON.stringify(String(input).slice(0, 40)),
  );
}

test('text that is not exactly one JSON value is refused', () => {
  for (const text of [
    '',
    ' ',
    '{',
    '}',
    '[',
    '{]',
    '[}',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,}',
    '[1,]',
    '[,1]',
    '[1 2]',
    '{"a":1 "b":2}',
    '{a:1}',
    "{'a':1}",
    '{1:1}',
    '{"a":1}}',
    '1 2',
    '[1]x',
    'nul',
    'True',
    'NaN',
    'Infinity',
    '-',
    '+1',
    '01',
    '-01',
    '1.',
    '.5',
    '1e',
    '1e+',
    '0x10',
    '1_0',
    '--1',
    '"',
    '"a',
    '"\\"',
    '"\\x41"',
    '"\\u12"',
    '"\\u12g4"',
    '"\\u{41}"',
    '"a\nb"',
    '"\t"',
    '"\u0000"',
    '/* c */1',
    '// c\n1',
    '\u00a01',
    '\u20281',
    '\ufeff1',
    '\f1',
    'undefined',
    '[1]\u0000',
  ]) {
    refuses(text, 'syntax');
  }
});

test('C-027 C-028 a member named twice is refused at any depth, also in an escaped spelling', () => {
  for (const text of [
    '{"a":1,"a":1}',
    '{"sub":1,"\\u0073ub":2}',
    '{"a":null,"a":null}',
    '[{"b":{"c":1,"c":1}}]',
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"\\u00e9":1,"é":2}',
    '{"1":0,"1":0}',
  ]) {
    refuses(text, 'duplicate_member');
  }
  assert.deepEqual(Object.keys(parse('{"a":1,"A":2,"a ":3}') as object), ['a', 'A', 'a ']);
});

test('C-036 numbers that would be rounded or overflow are refused', () => {
  for (const text of ['1e400', '-1e400', '9007199254740992', '-9007199254740993', '1'.repeat(400), '{"a":[1e999]}']) {
    refuses(text, 'number_range');
  }
  for (const text of ['9007199254740993.0', '9007199254740993e0', '90071992547409930e-1', '1.7976931348623157e308']) {
    refuses(text, 'number_range');
  }
  for (const text of ['0', '-0', '1.5', '1e3', '1E-3', '9007199254740991', '9007199254740991.0', '4.9e-324']) {
    assert.equal(parse(text), JSON.parse(text));
  }
});

test('C-052 nesting deeper than 16 is refused at once, whatever follows', () => {
  for (const depth of [17, 10_000, 1_000_000]) {
    refuses('['.repeat(depth), 'syntax');
    refuses('{"a":'.repeat(depth), 'syntax');
  }
  parse('['.repeat(16) + ']'.repeat(16));
});

test('C-053 names like integers, colliding or not, cost no more than others', () => {
  const names = (make: (index: number) => string) =>
    `{${Array.from({ length: 50_000 }, (_, index) => `"${make(index)}":1`).join(',')}}`;
  const cost = (text: string): number => {
    const runs = Array.from({ length: 3 }, () => {
      const start = process.cpuUsage();
      parse(text);
      const { user, system } = process.cpuUsage(start);
      return user + system;
    });
    return Math.min(...runs);
  };
  const ordinary = cost(names((index) => `name-${index}`));
  const integers = [
    (i: number) => String(i),
    (i: number) => String(i * 2 ** 14),
    (i: number) => String(i * 2 ** 20 + 7),
    (i: number) => String(2 ** 32 - 2 - i),
  ];
  for (const make of integers) assert.ok(cost(names(make)) < ordinary * 20 + 100_000, String(make));
});

test('C-054 prototype names are members, and no object has a prototype', () => {
  const value = parse('{"__proto__":{"a":1},"constructor":2,"toString":3,"b":[{"c":{}}]}') as Record<string, never>;
  assert.deepEqual(Object.keys(value), ['__proto__', 'constructor', 'toString', 'b']);
  assert.equal(Object.getPrototypeOf(value), null);
  assert.equal(Object.getPrototypeOf(value['b']?.[0]), null);
  assert.equal(({} as Record<string, unknown>)['a'], undefined);
});

test('C-055 a byte order mark, invalid UTF-8 and lone surrogates are refused', () => {
  for (const hex of [
    'efbbbf7b7d',
    '22ff22',
    '22c0af22',
    '22eda08022',
    '22f5808080',
    '22e282',
    'fffe7b007d00',
    '7b007d00',
  ]) {
    refuses(Buffer.from(hex, 'hex'), 'syntax');
  }
  for (const text of [
    '"\\ud800"',
    '"\\udfff"',
    '"\\udc00\\ud800"',
    '"\\ud83d\\u0041"',
    '"a\\ud83d"',
    '{"\\ud800":1}',
  ]) {
    refuses(text, 'syntax');
  }
  assert.equal(parse('"\\ud83d\\ude00\u{1f600}"'), '\u{1f600}\u{1f600}');
});

test('what comes back cannot be changed', () => {
  const value = parse('{"a":{"b":[1,{}]}}') as { a: { b: unknown[] } };
  for (const part of [value, value.a, value.a.b, value.a.b[1]]) assert.ok(Object.isFrozen(part));
});

test('everything that it accepts, JSON.parse reads the same way', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 12 }), (text) => {
      assert.deepEqual(plain(tryParse(text)), tryParse(text) === undefined ? undefined : JSON.parse(text));
    }),
  );
});

test('bytes of any kind are read or refused with a JsonError, never anything else', () => {
  const jsonLike = fc.string({ unit: fc.constantFrom(...Array.from('{}[]",:\\u0019eE+-.ntfals \n')), maxLength: 60 });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        jsonLike.map((text) => Buffer.from(text)),
      ),
      (input) => {
        try {
          parseStrictJson(input);
        } catch (error) {
          assert.ok(error instanceof JsonError);
          return;
        }
        JSON.parse(Buffer.from(input).toString());
      },
    ),
    { numRuns: 2000 },
  );
});

function tryParse(text: string) {
  try {
    return parse(text);
  } catch (error) {
    // fast-check writes numbers that we do not take
    if (error instanceof JsonError && error.kind !== 'syntax') return undefined;
    throw error;
  }
}

/** With ordinary prototypes, so that deepEqual compares content. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

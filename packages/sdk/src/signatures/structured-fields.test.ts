import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serializeDictionary } from 'structured-headers';
import { canonicalField, readDictionary } from './structured-fields.ts';

const NOT_STRUCTURED = [
  'a=',
  'a=1,',
  ',a=1',
  'a=1 b=2',
  'A=1',
  'a="x',
  'a="\\x"',
  'a="caf\u00e9"',
  'a="\u0000"',
  'a=:AA',
  'a=:A A:',
  'a=:\u00e9:',
  'a=(1 2',
  'a=(1,2)',
  'a=("x""y")',
  'a=1000000000000000',
  'a=1.',
  'a=1.2345',
  'a=-',
  'a=?2',
  'a=@',
  'a=1;',
  'a=1;B=2',
  'a=\u0001',
  `a="${'x'.repeat(20_000)}"`,
];
for (const text of NOT_STRUCTURED) {
  test(`RFC 9651: ${JSON.stringify(text.slice(0, 30))} is not a dictionary`, () => {
    assert.throws(() => readDictionary(text, 'Example'), { name: 'Problem', code: 'invalid_request' });
  });
}

const SECOND_READINGS = [
  'a=1, a=2',
  'a=1, b=2, a=1',
  'a;x=1;x=2',
  'a=01',
  'a=-0',
  'a=1.0',
  'a=1.10',
  'a=?1',
  'a=1;x=?1',
  'a=:AA:',
  'a=:AAE:',
];
for (const text of SECOND_READINGS) {
  test(`C-223: ${text} can be read in two ways and is refused`, () => {
    assert.throws(() => readDictionary(text, 'Example'), { name: 'Problem', code: 'signature_invalid' });
  });
}

const WRITTEN: readonly [text: string, canonical: string][] = [
  ['', ''],
  ['a', 'a'],
  ['a=1,b=2', 'a=1, b=2'],
  ['  a=1 ,\tb=2  ', 'a=1, b=2'],
  ['a=(  1   "x  y"  );p;  q="a\\"b\\\\"', 'a=(1 "x  y");p;q="a\\"b\\\\"'],
  ['a=:AAEC/+8=:;x', 'a=:AAEC/+8=:;x'],
  ['a=tok*/en:x, *b=?0', 'a=tok*/en:x, *b=?0'],
  ['a=-999999999999999, b=1.5', 'a=-999999999999999, b=1.5'],
  ['a=()', 'a=()'],
];
for (const [text, canonical] of WRITTEN) {
  test(`RFC 9651: the dictionary ${JSON.stringify(text)} is written ${JSON.stringify(canonical)}`, () => {
    assert.equal(serializeDictionary(readDictionary(text, 'Example')), canonical);
  });
}

test('lists and items have a canonical form too, each refused as the other', () => {
  assert.throws(() => canonicalField('a, b', 'item', 'Example'), { code: 'invalid_request' });
  assert.throws(() => canonicalField('a=1', 'list', 'Example'), { code: 'invalid_request' });
  assert.equal(canonicalField('a,  (b   c);x', 'list', 'Example'), 'a, (b c);x');
  assert.equal(canonicalField(' :AAEC:;x ', 'item', 'Example'), ':AAEC:;x');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interpolate } from './interpolate.ts';

const ENV = { NAME: 'value', EMPTY: '', NESTED: '${NAME}', _x1: 'y' };

for (const [text, missing, malformed] of [
  ['${UNSET}', ['UNSET'], false],
  ['${A}${B}${A}', ['A', 'B', 'A'], false],
  ['${toString}', ['toString'], false],
  ['${__proto__}', ['__proto__'], false],
  ['${', [], true],
  ['${}', [], true],
  ['${NAME', [], true],
  ['${1A}', [], true],
  ['${NA ME}', [], true],
  ['${NAME-x}', [], true],
] as const) {
  test(`${text} ${malformed ? 'is malformed' : `lacks ${missing.join(', ')}`}`, () => {
    const result = interpolate(text, ENV);
    assert.deepEqual(result.missing, missing);
    assert.equal(result.malformed, malformed);
  });
}

for (const [text, expected] of [
  ['plain $NAME {NAME}', 'plain $NAME {NAME}'],
  ['${NAME}', 'value'],
  ['a-${NAME}-${_x1}', 'a-value-y'],
  ['${EMPTY}', ''],
  ['${EMPTY:-default}', 'default'],
  ['${UNSET:-https://a/b}', 'https://a/b'],
  ['${UNSET:-}', ''],
  ['${NAME:-default}', 'value'],
  ['${NESTED}', '${NAME}'],
] as const) {
  test(`${text} becomes ${JSON.stringify(expected)}`, () => {
    const result = interpolate(text, ENV);
    assert.equal(result.text, expected);
    assert.deepEqual([result.missing, result.malformed], [[], false]);
  });
}

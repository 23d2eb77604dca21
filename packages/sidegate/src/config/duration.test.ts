import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from './duration.ts';

for (const text of [
  '',
  '5',
  's',
  '5 m',
  ' 5m',
  '5m ',
  '-5m',
  '+5m',
  '1.5h',
  '5M',
  '5min',
  '5µs',
  '1h30m',
  '0x5s',
  '٥s',
  '100000000d',
]) {
  test(`${JSON.stringify(text)} is not a duration`, () => {
    assert.equal(parseDuration(text), undefined);
  });
}

for (const [text, milliseconds] of [
  ['0s', 0],
  ['500ms', 500],
  ['60s', 60_000],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['90d', 7_776_000_000],
] as const) {
  test(`${text} is ${milliseconds} milliseconds`, () => {
    assert.equal(parseDuration(text), milliseconds);
  });
}

test('the longest duration still is a safe integer', () => {
  assert.ok(Number.isSafeInteger(parseDuration('99999999d')));
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { JsonError } from '../jwt/strict-json.ts';
import { pythonJson } from './python-json.ts';

interface Vectors {
  readonly written: readonly (readonly [text: string, written: string])[];
}

const FILE = path.resolve(import.meta.dirname, '../../../../tests/vectors/python-x-signature.json');
const { written } = JSON.parse(readFileSync(FILE, 'utf8')) as Vectors;

const REFUSED: readonly (readonly [title: string, body: string | Buffer])[] = [
  ['a member that is named twice', '{"a":1,"a":1}'],
  ['a member that is named twice, once with an escape', '{"a":1,"\\u0061":2}'],
  ['NaN, which Python reads', 'NaN'],
  ['Infinity, which Python reads', '[-Infinity]'],
  ['a number beyond all floats, which Python reads as infinity', '1e400'],
  ['an integer that Python does not read', '1'.repeat(4_301)],
  ['65 arrays within each other', '['.repeat(66) + ']'.repeat(66)],
  ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['a byte order mark', '\ufeff{}'],
  ['a control character in a string', '"\n"'],
  ['an escape that does not exist', '"\\x41"'],
  ['a string that does not end', '"a'],
  ['a string that ends in a backslash', '"\\'],
  ['a comma at the end', '[1,]'],
  ['a comma too many', '{"a":1,}'],
  ['a name without quotes', '{a:1}'],
  ['a number with a leading zero', '01'],
  ['a number that ends in its point', '1.'],
  ['a plus sign', '+1'],
  ['two values', '1 2'],
  ['an object that does not end', '{"a":1'],
  ['nothing', ''],
];

for (const [title, body] of REFUSED) {
  test(`${title} is not signed as JSON`, () => {
    assert.throws(() => pythonJson(Buffer.from(body)), JsonError);
  });
}

for (const [text, expected] of written) {
  test(`S2-45 S2-46 ${JSON.stringify(text)} is written as json.dumps(sort_keys=True) writes it`, () => {
    assert.equal(pythonJson(Buffer.from(text)), expected);
  });
}

test('whatever is cut out of a text, put into it or doubled, it is refused, or written once and for all', () => {
  let state = 9421;
  const pick = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const pieces = Array.from('{}[]:,"\\0123456789.eE+-truefalsn \n\ud83d\u00e9');
  let accepted = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const [text = ''] = written[pick(written.length)] ?? [];
    const at = pick(text.length + 1);
    const piece = pieces[pick(pieces.length * 2)] ?? text.slice(at, at + pick(6)).repeat(2);
    const spoilt = text.slice(0, at) + piece + text.slice(at + pick(3));
    try {
      const once = pythonJson(Buffer.from(spoilt));
      assert.equal(pythonJson(Buffer.from(once)), once);
      accepted += 1;
    } catch (error) {
      assert.ok(error instanceof JsonError, `${JSON.stringify(spoilt)}: ${String(error)}`);
    }
  }
  assert.ok(accepted > 1_000 && accepted < 19_000, String(accepted));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownPath, shownTarget } from './shown-path.ts';

const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1In0.c2lnbmF0dXJl';

for (const [target, shown] of [
  [`/a?access_token=${TOKEN}`, '/a'],
  [`/a#access_token=${TOKEN}`, '/a'],
  [`/a;access_token=${TOKEN}`, '/a'],
  [`/a\\${TOKEN}`, '/a'],
  ['/a%3Faccess_token=opaque', '/a'],
  ['/a%23access_token=opaque', '/a'],
  ['/a%3baccess_token=opaque', '/a'],
  [`/verify/${TOKEN}/now`, '/verify/[token]/now'],
  [`/../${TOKEN}`, '/../[token]'],
  ['/access_token=opaque/x', '/[token]/x'],
  ['/ACCESS_TOKEN%3Dopaque', '/[token]'],
  [`http://user:secret@host/${TOKEN}`, ''],
  ['/orders/eyJ/a.b.c', '/orders/eyJ/a.b.c'],
  ['/orders/%20', '/orders/%20'],
] as const) {
  test(`C-072 ${target} is shown as "${shown}"`, () => assert.equal(shownTarget(target), shown));
}

test('a path that was judged is shown whole, but for tokens', () => {
  assert.equal(shownPath('/orders/1%20a'), '/orders/1%20a');
  assert.equal(shownPath(`/${TOKEN}/${TOKEN}`), '/[token]/[token]');
});

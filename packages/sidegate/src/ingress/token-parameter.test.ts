import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { namesToken, TokenSearch } from './token-parameter.ts';

const FOUND = [
  'access_token=x',
  'access_token',
  'a=b&access_token=x',
  'a=b;access_token=x',
  '&access_token=x',
  'access%5ftoken=x',
  '%61%63%63%65%73%73%5F%74%6F%6B%65%6E=x',
  '%41CCESS_TOKEN=x',
  'Access_Token=x',
  'access_token[]=x',
  'access_token%5b0]=x',
] as const;

const OTHERS = [
  '',
  '&',
  'a',
  'my_access_token=x',
  'access_tokens=x',
  'a=access_token',
  'a=%26access_token',
  'accesstoken=x',
];

for (const parameters of FOUND) {
  test(`C-072 C-073 ${parameters} names a token, however it is cut`, () => {
    assert.equal(namesToken(parameters), true);
    for (let cut = 0; cut <= parameters.length; cut += 1) {
      const search = new TokenSearch();
      const pieces = [parameters.slice(0, cut), parameters.slice(cut)];
      assert.equal(pieces.some((piece) => search.find(piece)) || search.end(), true, `cut at ${cut}`);
    }
  });
}

for (const parameters of OTHERS) {
  test(`"${parameters}" names no token`, () => assert.equal(namesToken(parameters), false));
}

test('pieces of any length give the same answer as the whole', () => {
  const part = fc.constantFrom('access_token', 'access', '_', 'token', '%5f', '%61', '&', ';', '=', '[', 'x', '%');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), fc.array(fc.nat(60), { maxLength: 5 }), (parts, cuts) => {
      const text = parts.join('');
      const search = new TokenSearch();
      const ends = [...cuts, text.length].sort((a, b) => a - b);
      const pieces = ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
      assert.equal(pieces.map((piece) => search.find(piece)).includes(true) || search.end(), namesToken(text));
    }),
    { numRuns: 500 },
  );
});

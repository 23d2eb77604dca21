import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretDigest, secretMatches } from './secret-digest.ts';

const digest = secretDigest(Buffer.alloc(32, 7));

test('only the same secret matches', () => {
  for (const presented of ['', 'secre', 'Secret', 'secret ', 'secret\0']) {
    assert.equal(secretMatches(presented, digest('secret'), digest), false, JSON.stringify(presented));
  }
  assert.equal(secretMatches('secret', digest('secret'), digest), true);
});

test('nothing matches where there is no secret, not even a digest of zeros', () => {
  assert.equal(
    secretMatches('secret', undefined, () => Buffer.alloc(32)),
    false,
  );
});

test('digests of one process mean nothing in another', () => {
  assert.notDeepEqual(secretDigest(Buffer.alloc(32, 8))('secret'), digest('secret'));
});

/** Bundles of several trust domains in one answer: one that is wrong is left out, and the others are there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestAuthority } from '../../../../tests/support/certificates.ts';
import { readBundleMap } from './bundle-map.ts';

const root = createTestAuthority('partner-CA');
const key = (der: Buffer) => ({ use: 'x509-svid', kty: 'EC', x5c: [der.toString('base64')] });
const good = { spiffe_sequence: 1, keys: [key(root.der), { use: 'jwt-svid', kid: 'k', kty: 'EC' }] };

test('a bundle that cannot be used is left out and named, and spoils no other', () => {
  const wrong = {
    'leaf.example': { keys: [key(root.issue().der)] },
    'both.example': { keys: [key(root.der), key(root.issue().der)] },
    'rubbish.example': { keys: [key(Buffer.from('hello'))] },
    'bare.example': { keys: [{ use: 'x509-svid' }] },
    'tokens.example': { keys: [{ use: 'jwt-svid', kid: 'k', kty: 'EC' }] },
    'none.example': { keys: 7 },
    'text.example': 'hello',
    'Upper.example': good,
    'path.example/a': good,
  };
  const { bundles, unusable } = readBundleMap({ trust_domains: { ...wrong, 'partner.example': good } });
  assert.deepEqual(bundles, { 'partner.example': root.certPem });
  assert.deepEqual(unusable, Object.keys(wrong));
});

test('an answer without trust domains has no bundle', () => {
  for (const answer of [{}, { trust_domains: [] }, { trust_domains: null }]) {
    assert.deepEqual(readBundleMap(answer), { bundles: {}, unusable: [] });
  }
});

/** JWT-SVIDs and JWT bundles of a Workload API that must not be used, and those that are. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSigningKey, keySetBytes, type MintOptions, mint } from '../../../../tests/support/tokens.ts';
import { readJwtBundles, readJwtSvid } from './jwt-svid.ts';
import { writeJwtBundlesResponse } from './messages.ts';
import { WorkloadAnswerRefused } from './x509-context.ts';

const ID = 'spiffe://example.org/zone2/order-service';
const now = 1_790_000_000_000;
const key = createSigningKey('ES256', 'k1');
const claims = { sub: ID, aud: ['data-service'], exp: now / 1000 + 300 };

const token = (changes: object = {}, options: Partial<MintOptions> = {}): string =>
  mint({ ...claims, ...changes }, { key, header: { typ: 'JWT' }, ...options });

describe('a JWT-SVID is refused with', () => {
  const ROWS: readonly (readonly [title: string, token: string, reason: RegExp])[] = [
    ['two segments', 'e30.e30', /three segments/],
    ['no subject', token({ sub: undefined }), /without subject/],
    ['a subject that is no SPIFFE ID', token({ sub: 'order-service' }), /does not start with spiffe/],
    ['the subject of another', token({ sub: `${ID}2` }), /another SPIFFE ID/],
    ['another audience', token({ aud: ['payment-service'] }), /another audience/],
    ['no audience', token({ aud: undefined }), /another audience/],
    ['an audience that only begins like it', token({ aud: 'data-service.evil' }), /another audience/],
    ['no expiry', token({ exp: undefined }), /has expired/],
    ['an expiry that is a text', token({ exp: '9999999999' }), /has expired/],
    ['an expiry that is over', token({ exp: now / 1000 }), /has expired/],
    ['no signature', token({}, { sign: () => Buffer.alloc(0) }), /signature is empty/],
    ['the algorithm none', token({}, { header: { alg: 'none', typ: 'JWT' } }), /algorithm/],
    ['a MAC', token({}, { header: { alg: 'HS256', typ: 'JWT' } }), /algorithm/],
    ['EdDSA, which no JWT-SVID has', token({}, { header: { alg: 'EdDSA', typ: 'JWT' } }), /algorithm/],
    ['the type of an access token', token({}, { header: { typ: 'at+jwt' } }), /another type/],
    ['a critical extension', token({}, { header: { typ: 'JWT', crit: ['exp'] } }), /crit/],
    ['a member twice', token({}, { rawPayload: `{"sub":"${ID}","sub":"${ID}"}` }), /twice/],
  ];
  for (const [title, value, reason] of ROWS) {
    test(title, () => {
      assert.throws(
        () => readJwtSvid({ spiffeId: ID, token: value, hint: '' }, ['data-service'], now),
        (error) => {
          assert.ok(error instanceof WorkloadAnswerRefused);
          assert.match(error.message, reason);
          return true;
        },
      );
    });
  }
});

test('a JWT-SVID is read with its identity and its end', () => {
  const read = readJwtSvid(
    { spiffeId: ID, token: token({ aud: ['other', 'data-service'] }), hint: '' },
    ['data-service'],
    now,
  );
  assert.deepEqual([read.id.uri, read.expiresAt], [ID, now + 300_000]);
});

describe('JWT bundles are refused with', () => {
  const jwks = keySetBytes(key.jwk());
  const ROWS: readonly (readonly [title: string, bundles: readonly (readonly [string, Buffer])[], reason: RegExp])[] = [
    ['nothing in them', [], /no bundle/],
    ['no JSON', [['spiffe://example.org', Buffer.from('<html>')]], /without usable key/],
    [
      'a secret key',
      [['spiffe://example.org', keySetBytes(key.privateKey.export({ format: 'jwk' }))]],
      /secret key material/,
    ],
    ['a workload as the trust domain', [[ID, jwks]], /instead of a trust domain/],
    [
      'a trust domain under two spellings',
      [
        ['spiffe://example.org', jwks],
        ['example.org', jwks],
      ],
      /two bundles/,
    ],
  ];
  for (const [title, bundles, reason] of ROWS) {
    test(title, () => {
      assert.throws(
        () => readJwtBundles(writeJwtBundlesResponse(new Map(bundles))),
        (error) => {
          assert.ok(error instanceof WorkloadAnswerRefused);
          assert.match(error.message, reason);
          return true;
        },
      );
    });
  }
});

test('JWT bundles are read by trust domain', () => {
  const bundles = readJwtBundles(writeJwtBundlesResponse(new Map([['spiffe://example.org', keySetBytes(key.jwk())]])));
  assert.deepEqual([...(bundles.get('example.org')?.byKid.keys() ?? [])], ['k1']);
});

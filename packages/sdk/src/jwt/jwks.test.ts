import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { createSigningKey, keySetBytes } from '../../../../tests/support/tokens.ts';
import { MAX_JWKS_BYTES, parseKeySet } from './jwks.ts';
import { createPushedJwks } from './pushed-jwks.ts';

const good = createSigningKey('ES256', 'good');
const other = createSigningKey('RS256', 'other');
const ed = createSigningKey('EdDSA', 'ed');

/** One key beside a good one: what becomes of it. */
function judge(jwk: unknown) {
  const { keySet, findings } = parseKeySet(Buffer.from(JSON.stringify({ keys: [good.jwk(), jwk] })));
  assert.ok(keySet !== undefined && keySet.byKid.has('good'), 'a bad key takes no good one with it');
  return {
    kept: keySet.keys.length === 2,
    codes: findings.map((finding) => finding.code),
    reasons: findings.map((finding) => finding.reason),
  };
}

const rsa = (bits: number, exponent: number) => createSigningKey('RS256', 'weak', { bits, exponent }).jwk();
const { n, x, y, ...template } = { ...other.jwk(), ...good.jwk({ kid: 'k' }) };

const REJECTED: readonly (readonly [title: string, jwk: unknown])[] = [
  ['C-034 RSA of 1024 bits', rsa(1024, 65_537)],
  ['C-034 RSA with exponent 3', rsa(2048, 3)],
  ['C-034 RSA with exponent 1', other.jwk({ e: 'AQ' })],
  ['C-034 RSA with an even exponent', other.jwk({ e: 'AQAC' })],
  ['C-034 RSA with an exponent of 2048 bits', other.jwk({ e: n })],
  ['C-034 RSA of 16384 bits', other.jwk({ n: Buffer.alloc(2048, 0xff).toString('base64url') })],
  [
    'C-034 P-192',
    {
      ...template,
      crv: 'P-192',
      x: Buffer.alloc(24, 1).toString('base64url'),
      y: Buffer.alloc(24, 1).toString('base64url'),
    },
  ],
  [
    'C-034 secp256k1',
    { ...generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'jwk' }), kid: 'k' },
  ],
  ['C-034 X25519', { ...generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }), kid: 'k' }],
  ['a point that is not on the curve', good.jwk({ kid: 'k', x: y, y: x })],
  [
    'a point at infinity',
    good.jwk({ kid: 'k', x: Buffer.alloc(32).toString('base64url'), y: Buffer.alloc(32).toString('base64url') }),
  ],
  ['an Ed25519 key that is too short', ed.jwk({ x: Buffer.alloc(31, 1).toString('base64url') })],
  ['C-068 a private EC key', { ...good.privateKey.export({ format: 'jwk' }), kid: 'k' }],
  ['C-068 a private RSA key', { ...other.privateKey.export({ format: 'jwk' }), kid: 'k' }],
  ['C-068 an RSA key with one private member', other.jwk({ dp: 'AQAB' })],
  ['C-068 a symmetric key', { kty: 'oct', k: 'c2VjcmV0', kid: 'k', alg: 'HS256' }],
  ['C-068 a symmetric key inside a public one', good.jwk({ kid: 'k', k: 'c2VjcmV0' })],
  ['an alg that does not fit the key', good.jwk({ kid: 'k', alg: 'RS256' })],
  ['an alg that is not in the table', good.jwk({ kid: 'k', alg: 'HS256' })],
  ['an alg of another type', good.jwk({ kid: 'k', alg: ['ES256'] })],
  ['a kty of an object member', good.jwk({ kid: 'k', kty: '__proto__' })],
  ['no kty', good.jwk({ kid: 'k', kty: undefined })],
  ['a kid that is no string', good.jwk({ kid: 7 })],
  ['a kid with a line break', good.jwk({ kid: 'k\n' })],
  ['a coordinate that is no string', good.jwk({ kid: 'k', x: 1 })],
  ['a coordinate in base64', good.jwk({ kid: 'k', x: `${String(x)}=` })],
  ['a key that is no object', null],
  ['a key that is an array', []],
];

for (const [title, jwk] of REJECTED) {
  test(`${title} is rejected with a finding`, () => {
    const { kept, codes, reasons } = judge(jwk);
    assert.equal(kept, false);
    assert.deepEqual(codes, ['jwks_key_rejected']);
    assert.match(reasons[0] ?? '', /^key 1: /);
    assert.doesNotMatch(reasons[0] ?? '', /c2VjcmV0/);
  });
}

for (const changes of [
  { use: 'enc' },
  { use: 'SIG' },
  { use: ['sig'] },
  { use: undefined, key_ops: ['sign'] },
  { use: undefined, key_ops: [] },
  { use: undefined, key_ops: 'verify' },
  { use: 'enc', key_ops: ['verify'] },
]) {
  test(`C-007 a key with ${JSON.stringify(changes)} is not for verification, which is no fault`, () => {
    assert.deepEqual(judge(other.jwk(changes)), { kept: false, codes: [], reasons: [] });
  });
}

test('C-067 two keys with one kid are both dropped, whatever else is wrong with them', () => {
  const twin = createSigningKey('ES256', 'twin');
  for (const pair of [
    [twin.jwk(), createSigningKey('ES256', 'twin').jwk()],
    [twin.jwk(), twin.jwk()],
    [twin.jwk(), createSigningKey('RS256', 'twin').jwk()],
    [createSigningKey('RS256', 'twin', { bits: 1024 }).jwk(), twin.jwk()],
  ]) {
    const { keySet, findings } = parseKeySet(keySetBytes(good.jwk(), ...pair));
    assert.deepEqual(
      keySet?.keys.map((key) => key.kid),
      ['good'],
    );
    assert.ok(findings.some(({ code, reason }) => code === 'jwks_ambiguous_kid' && reason.includes('"twin"')));
  }
});

test('C-067 an encryption key may share the kid of a signing key', () => {
  const { keySet } = parseKeySet(keySetBytes(good.jwk(), other.jwk({ kid: 'good', use: 'enc' })));
  assert.equal(keySet?.byKid.get('good')?.publicKey.asymmetricKeyType, 'ec');
});

test('a set without a usable key counts as failed', () => {
  for (const [text, code] of [
    ['', 'jwks_malformed'],
    ['[]', 'jwks_malformed'],
    ['{"keys":null}', 'jwks_malformed'],
    ['{"keys":[],"keys":[]}', 'jwks_malformed'],
    [`${keySetBytes(good.jwk()).toString()}${' '.repeat(MAX_JWKS_BYTES)}`, 'jwks_malformed'],
    [JSON.stringify({ keys: Array.from({ length: 257 }, () => good.jwk()) }), 'jwks_malformed'],
    ['{"keys":[]}', 'jwks_no_usable_key'],
    [keySetBytes(good.jwk({ use: 'enc' })).toString(), 'jwks_no_usable_key'],
    [keySetBytes(good.jwk(), good.jwk()).toString(), 'jwks_no_usable_key'],
  ] as const) {
    const { keySet, findings } = parseKeySet(Buffer.from(text));
    assert.equal(keySet, undefined);
    assert.equal(findings.at(-1)?.code, code);
  }
});

test('a good set keeps its keys with the algorithms that alg and key type leave', () => {
  const { keySet, findings } = parseKeySet(
    keySetBytes(
      good.jwk({ alg: undefined, use: undefined, key_ops: ['verify'], x5c: ['MIIB'] }),
      other.jwk(),
      ed.jwk({ kid: undefined }),
    ),
  );
  assert.deepEqual(findings, []);
  assert.deepEqual(
    keySet?.keys.map((key) => [key.kid, key.algorithms.join()]),
    [
      ['good', 'ES256'],
      ['other', 'RS256'],
      [undefined, 'EdDSA'],
    ],
  );
  assert.equal(keySet?.byKid.size, 2);
});

test('thumbprints and keys of another implementation are read the same way', async () => {
  for (const alg of ['ES256', 'ES384', 'ES512', 'RS256', 'Ed25519']) {
    const jwk = await exportJWK((await generateKeyPair(alg, { extractable: true })).publicKey);
    const { keySet } = parseKeySet(keySetBytes(jwk));
    assert.equal(keySet?.keys[0]?.thumbprint, await calculateJwkThumbprint(jwk), alg);
  }
});

test('a pushed set replaces the one before only when it has a usable key', () => {
  const source = createPushedJwks();
  assert.throws(() => source.refreshFor('good'), { code: 'jwks_unavailable' });
  assert.deepEqual(source.push(keySetBytes(good.jwk())), []);
  const first = source.current();
  assert.equal(source.push(Buffer.from('{"keys":[]}'))[0]?.code, 'jwks_no_usable_key');
  assert.equal(source.current(), first);
  assert.match(source.state().failure ?? '', /no key can verify/);
  source.push(keySetBytes(other.jwk()));
  assert.equal(source.current()?.byKid.has('good'), false);
  assert.equal(source.state().failure, undefined);
});

/** Corpus A, 34, and B, 67 and 68: what an issuer publishes is judged key by key, and no bad key takes a good one with it. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { startIngress } from '../support/ingress.ts';
import { bytes, startJwksServer } from '../support/jwks-server.ts';
import { createSigningKey, encode, hmac, keySetBytes, type SigningKey } from '../support/tokens.ts';

const good = createSigningKey('ES256', 'good');
const rsa = createSigningKey('RS256', 'k');
const ec = createSigningKey('ES256', 'k');
const ed = createSigningKey('EdDSA', 'k');
const weak = createSigningKey('RS256', 'k', { bits: 1024 });
const cube = createSigningKey('RS256', 'k', { exponent: 3 });
const OCTETS = 'canary-of-32-octets-that-is-secret';

interface Row {
  readonly title: string;
  /** Beside a good key. */
  readonly keys: readonly object[];
  /** Signs the token that must be refused. */
  readonly signer: SigningKey;
  readonly code?: 'jwks_key_rejected' | 'jwks_ambiguous_kid';
  readonly secrets?: readonly string[];
}

const curve = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' });
const privateOf = ({ privateKey }: SigningKey) => privateKey.export({ format: 'jwk' });
const one = (title: string, jwk: object, signer: SigningKey, ...secrets: readonly (string | undefined)[]): Row => ({
  title,
  keys: [jwk],
  signer,
  secrets: secrets.filter((secret) => secret !== undefined),
});
const twin = createSigningKey('ES256', 'k');

const ROWS: readonly Row[] = [
  one('C-034 RSA of 1024 bits', weak.jwk(), weak),
  one('C-034 RSA with exponent 3', cube.jwk(), cube),
  one('C-034 RSA with exponent 1', rsa.jwk({ e: 'AQ' }), rsa),
  one('C-034 RSA with exponent 0', rsa.jwk({ e: 'AA' }), rsa),
  one('C-034 RSA with an even exponent', rsa.jwk({ e: 'AQAC' }), rsa),
  one('C-034 RSA with an exponent as long as its modulus', rsa.jwk({ e: rsa.jwk()['n'] }), rsa),
  one('C-034 RSA of 16384 bits', rsa.jwk({ n: Buffer.alloc(2048, 0xff).toString('base64url') }), rsa),
  one('C-034 RSA without a modulus', rsa.jwk({ n: '' }), rsa),
  one(
    'C-034 P-192',
    { kty: 'EC', crv: 'P-192', kid: 'k', x: encode(Buffer.alloc(24, 1)), y: encode(Buffer.alloc(24, 1)) },
    ec,
  ),
  one('C-034 P-224', { ...ec.jwk(), crv: 'P-224' }, ec),
  one('C-034 secp256k1', { ...curve('secp256k1'), kid: 'k' }, ec),
  one('C-034 X25519', { ...generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }), kid: 'k' }, ed),
  one('C-034 Ed448', { ...generateKeyPairSync('ed448').publicKey.export({ format: 'jwk' }), kid: 'k' }, ed),
  one('C-034 a point that is not on its curve', ec.jwk({ x: ec.jwk()['y'], y: ec.jwk()['x'] }), ec),
  one('C-034 a point at infinity', ec.jwk({ x: encode(Buffer.alloc(32)), y: encode(Buffer.alloc(32)) }), ec),
  one('C-034 an Ed25519 key of 31 bytes', ed.jwk({ x: encode(Buffer.alloc(31, 1)) }), ed),
  one('C-068 a private EC key', { ...privateOf(ec), kid: 'k', alg: 'ES256' }, ec, privateOf(ec).d),
  one('C-068 a private RSA key', { ...privateOf(rsa), kid: 'k' }, rsa, privateOf(rsa).d, privateOf(rsa).p),
  one('C-068 a private Ed25519 key', { ...privateOf(ed), kid: 'k' }, ed, privateOf(ed).d),
  ...['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].map((name) =>
    one(`C-068 an RSA key with ${name}`, rsa.jwk({ [name]: 'canaryAQAB' }), rsa, 'canaryAQAB'),
  ),
  one('C-068 an EC key with an empty d', ec.jwk({ d: '' }), ec),
  one('C-068 an EC key with d null', ec.jwk({ d: null }), ec),
  one('C-068 a symmetric key', { kty: 'oct', kid: 'k', k: encode(OCTETS), alg: 'HS256' }, ec, encode(OCTETS), OCTETS),
  one('C-068 a symmetric key without alg', { kty: 'oct', kid: 'k', k: encode(OCTETS) }, ec, encode(OCTETS)),
  { title: 'C-067 two keys', keys: [ec.jwk(), twin.jwk()], signer: ec, code: 'jwks_ambiguous_kid' },
  { title: 'C-067 two keys, the second one', keys: [twin.jwk(), ec.jwk()], signer: ec, code: 'jwks_ambiguous_kid' },
  { title: 'C-067 one key twice', keys: [ec.jwk(), ec.jwk()], signer: ec, code: 'jwks_ambiguous_kid' },
  { title: 'C-067 keys of two kinds', keys: [ec.jwk(), rsa.jwk()], signer: ec, code: 'jwks_ambiguous_kid' },
  { title: 'C-067 beside a weak key', keys: [weak.jwk(), ec.jwk()], signer: ec, code: 'jwks_ambiguous_kid' },
  { title: 'C-067 three keys', keys: [ec.jwk(), twin.jwk(), ed.jwk()], signer: ed, code: 'jwks_ambiguous_kid' },
];

describe('a key for something else', () => {
  const USES: readonly Readonly<Record<string, unknown>>[] = [
    { use: 'enc' },
    { use: 'SIG' },
    { use: '' },
    { use: null },
    { use: ['sig'] },
    { use: 'enc', key_ops: ['verify'] },
    { use: undefined, key_ops: ['sign'] },
    { use: undefined, key_ops: [] },
    { use: undefined, key_ops: 'verify' },
    { use: undefined, key_ops: ['Verify'] },
    { use: undefined, key_ops: ['encrypt', 'wrapKey'] },
    { use: 'sig', key_ops: ['sign'] },
  ];
  for (const use of USES) {
    test(`C-007 ${JSON.stringify(use)} verifies no token: token_key_not_found`, async () => {
      await using set = await startJwksServer(bytes(keySetBytes(ec.jwk(use), good.jwk())));
      await using ingress = await startIngress({ jwksUrl: `${set.origin}/certs` });
      await ingress.sidecar.ready;
      for (const kid of ['k', undefined]) {
        const token = ingress.token({}, { key: ec, header: { kid } });
        const headers = ['Authorization', `Bearer ${token}`];
        const code = kid === undefined ? 'token_signature_invalid' : 'token_key_not_found';
        await ingress.refused(code, () => ingress.send({ headers }), [token]);
      }
    });
  }
});

describe('a key that is not used', () => {
  for (const { title, keys, signer, code = 'jwks_key_rejected', secrets = [] } of ROWS) {
    test(`${title} is ${code} at load, and its tokens are token_key_not_found`, async () => {
      await using set = await startJwksServer(bytes(keySetBytes(...keys, good.jwk())));
      await using ingress = await startIngress({ jwksUrl: `${set.origin}/certs` });
      await ingress.sidecar.ready;
      assert.match(ingress.sidecar.log(), new RegExp(`"code":"${code}"`));
      for (const secret of secrets) assert.ok(!ingress.sidecar.log().includes(secret), 'a secret is in the log');
      const token = ingress.token({}, { key: signer });
      const headers = ['Authorization', `Bearer ${token}`];
      await ingress.refused('token_key_not_found', () => ingress.send({ headers }), [token, ...secrets]);
      const other = ['Authorization', `Bearer ${ingress.token({}, { key: good })}`];
      assert.equal((await ingress.send({ headers: other })).status, 200, 'the good key beside it is used');
    });
  }

  for (const alg of ['HS256', 'HS384', 'HS512'] as const) {
    test(`C-068 ${alg} under a symmetric key of the set is token_key_not_found`, async () => {
      const oct = { kty: 'oct', kid: 'k', k: encode(OCTETS), alg };
      await using set = await startJwksServer(bytes(keySetBytes(oct, good.jwk())));
      await using ingress = await startIngress({ jwksUrl: `${set.origin}/certs` });
      await ingress.sidecar.ready;
      const sign = hmac(`sha${alg.slice(2) as '256' | '384' | '512'}`, OCTETS);
      const token = ingress.token({}, { key: ec, header: { alg }, sign });
      const headers = ['Authorization', `Bearer ${token}`];
      await ingress.refused('token_key_not_found', () => ingress.send({ headers }), [token, encode(OCTETS)]);
    });
  }

  test('C-067 C-068 a set of nothing but such keys counts as none: jwks_unavailable', async () => {
    for (const keys of [[ec.jwk(), twin.jwk()], [weak.jwk()], [{ kty: 'oct', kid: 'k', k: encode(OCTETS) }]]) {
      await using set = await startJwksServer(bytes(keySetBytes(...keys)));
      await using ingress = await startIngress({ jwksUrl: `${set.origin}/certs` });
      const token = ingress.token({}, { key: ec });
      await ingress.refused('jwks_unavailable', () => ingress.send({ headers: ['Authorization', `Bearer ${token}`] }));
    }
  });
});

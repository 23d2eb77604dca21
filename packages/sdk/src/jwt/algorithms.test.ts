/** Neighbours of a valid signature, made by hand in the manner of Project Wycheproof: none of them may verify. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  ecdsaForgeries,
  ed25519Forgeries,
  type ForgedSignatures,
  misshapen,
  pkcs1Forgeries,
  pssForgeries,
  rsaRaw,
} from '../../../../tests/support/forged-signatures.ts';
import { createSigningKey, type SigningKey, signBytes } from '../../../../tests/support/tokens.ts';
import { ALGORITHMS, algorithmsFor, keyWeakness, verifySignature } from './algorithms.ts';

const INPUT = Buffer.from('eyJhbGciOiJFUzI1NiJ9.e30');
const rsaKey = createSigningKey('RS256', 'rsa');
const keys: readonly SigningKey[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg) => ({ ...rsaKey, alg })),
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'].map((alg) => createSigningKey(alg, alg)),
];

function verifies({ alg, publicKey }: SigningKey, signature: Buffer, input: Buffer = INPUT): boolean {
  const algorithm = ALGORITHMS.get(alg);
  assert.ok(algorithm !== undefined);
  return verifySignature(algorithm, publicKey, input, signature);
}

function refused(key: SigningKey, forged: ForgedSignatures): void {
  for (const [title, signature] of forged) assert.equal(verifies(key, signature), false, `${key.alg} ${title}`);
}

test('every algorithm of the table verifies its own signature, and not over another input', () => {
  assert.equal(keys.length, ALGORITHMS.size);
  for (const key of keys) {
    const signature = signBytes(key, INPUT);
    assert.equal(verifies(key, signature), true, key.alg);
    assert.equal(verifies(key, signature, Buffer.from(`${String(INPUT)}x`)), false, key.alg);
  }
});

test('C-030 a signature that is too short, too long, empty or has one wrong bit is refused', () => {
  for (const key of keys) {
    const signature = signBytes(key, INPUT);
    refused(key, misshapen(key, INPUT));
    assert.equal(verifies(key, Buffer.alloc(0)), false);
    for (let index = 0; index < signature.length; index += 7) {
      const flipped = Buffer.from(signature);
      flipped.writeUInt8(signature.readUInt8(index) ^ (1 << (index % 8)), index);
      assert.equal(verifies(key, flipped), false, `${key.alg} byte ${index}`);
    }
  }
});

for (const alg of ['ES256', 'ES384', 'ES512']) {
  test(`C-029 C-030 C-031 ${alg} with r or s of 0, 1, n-1, n, n+1 or all ones, swapped or in DER is refused`, () => {
    const key = createSigningKey(alg, alg);
    const forged = ecdsaForgeries(key, INPUT);
    assert.equal(forged.size, 7 * 7 - 1 + 3);
    refused(key, forged);
  });

  test(`C-030 ${alg} as long as for another curve is refused`, () => {
    const key = createSigningKey(alg, alg);
    const valid = signBytes(key, INPUT);
    for (const length of [63, 65, 96, 132, 64].filter((length) => length !== valid.length)) {
      assert.equal(verifies(key, Buffer.concat([valid, Buffer.alloc(200)]).subarray(0, length)), false);
      assert.equal(verifies(key, Buffer.concat([Buffer.alloc(200), valid]).subarray(-length)), false);
    }
  });
}

test('C-032 Ed25519 with S+L, S=0, S=L or 63 bytes is refused', () => {
  const key = createSigningKey('EdDSA', 'ed');
  refused(key, ed25519Forgeries(key, INPUT));
});

test('C-033 PKCS#1 v1.5 with any other padding than the one of RFC 8017 is refused', () => {
  const info = Buffer.from('3031300d060960864801650304020105000420', 'hex');
  const digest = createHash('sha256').update(INPUT).digest();
  const start = Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(256 - 3 - 51, 0xff), Buffer.from([0])]);
  const right = rsaRaw(rsaKey.privateKey, Buffer.concat([start, info, digest]));
  assert.equal(verifies(rsaKey, right), true, 'the right block, made the same way');
  refused(rsaKey, pkcs1Forgeries(rsaKey, INPUT));
});

test('C-033 PSS with another salt length, and either scheme in place of the other, is refused', () => {
  const pss = { ...rsaKey, alg: 'PS256' };
  refused(pss, pssForgeries(rsaKey, INPUT));
  assert.equal(verifies(pss, signBytes(pss, INPUT)), true);
  assert.equal(verifies({ ...rsaKey, alg: 'RS384' }, signBytes(rsaKey, INPUT)), false);
});

test('C-034 RSA keys of 1024 bits or with a small exponent are weak', () => {
  assert.match(keyWeakness(createSigningKey('RS256', 'k', { bits: 1024 }).publicKey) ?? '', /1024 bits/);
  assert.match(keyWeakness(createSigningKey('RS256', 'k', { exponent: 3 }).publicKey) ?? '', /exponent 3/);
  for (const key of keys) assert.equal(keyWeakness(key.publicKey), undefined);
});

test('a key serves only the algorithms of its type and curve', () => {
  const served = keys.map((key) => [key.alg, algorithmsFor(key.publicKey).join(' ')]);
  assert.deepEqual(Object.fromEntries(served), {
    ...Object.fromEntries(
      ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg) => [alg, 'RS256 RS384 RS512 PS256 PS384 PS512']),
    ),
    ES256: 'ES256',
    ES384: 'ES384',
    ES512: 'ES512',
    EdDSA: 'EdDSA Ed25519',
    Ed25519: 'EdDSA Ed25519',
  });
});

import assert from 'node:assert/strict';
import { createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { type SignatureAlgorithm, type SignatureKey, signBase, verifyBase } from './algorithms.ts';

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const BASE = Buffer.from('"@signature-params": ()');
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const P384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const ED25519 = generateKeyPairSync('ed25519');
const secret = createSecretKey(Buffer.alloc(32, 7));
const SECRET = { publicKey: secret, privateKey: secret };

const PAIRS: Readonly<Record<SignatureAlgorithm, Pair>> = {
  'rsa-pss-sha512': RSA,
  'rsa-v1_5-sha256': RSA,
  'ecdsa-p256-sha256': P256,
  'ecdsa-p384-sha384': P384,
  ed25519: ED25519,
  'hmac-sha256': SECRET,
};
const ALGORITHMS = Object.keys(PAIRS).filter((name): name is SignatureAlgorithm => Object.hasOwn(PAIRS, name));

const INVALID = { name: 'Problem', code: 'signature_invalid' };

for (const algorithm of ALGORITHMS) {
  const { publicKey, privateKey } = PAIRS[algorithm];
  const signature = signBase(BASE, { algorithm, key: privateKey });

  test(`C-223: a truncated, extended, empty or foreign signature of ${algorithm} is invalid; the whole one verifies`, () => {
    const key: SignatureKey = { algorithm, key: publicKey };
    const wrong = [
      signature.subarray(0, -1),
      signature.subarray(0, 16),
      Buffer.alloc(0),
      Buffer.alloc(signature.length),
    ];
    for (const bytes of [...wrong, Buffer.concat([signature, Buffer.alloc(1)])]) {
      assert.throws(() => verifyBase(BASE, bytes, key), INVALID);
    }
    assert.throws(() => verifyBase(Buffer.from('another base'), signature, key), INVALID);
    assert.doesNotThrow(() => verifyBase(BASE, signature, key));
  });

  test(`C-223: ${algorithm} refuses every key of another kind, to verify and to sign`, () => {
    const strangers: KeyObject[] = Object.values(PAIRS)
      .map((pair) => pair.publicKey)
      .filter((key) => key !== publicKey);
    assert.ok(strangers.length >= 4);
    for (const key of strangers) assert.throws(() => verifyBase(BASE, signature, { algorithm, key }), INVALID);
    for (const { privateKey: key } of Object.values(PAIRS).filter((pair) => pair.publicKey !== publicKey)) {
      assert.throws(() => signBase(BASE, { algorithm, key }), INVALID);
    }
  });
}

test('an RSA key of 1024 bits and a secret shorter than its hash are refused', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  for (const algorithm of ['rsa-pss-sha512', 'rsa-v1_5-sha256'] as const) {
    assert.throws(() => signBase(BASE, { algorithm, key: short }), INVALID);
  }
  assert.throws(() => signBase(BASE, { algorithm: 'hmac-sha256', key: createSecretKey(Buffer.alloc(31)) }), INVALID);
});

test('a signature of ECDSA in DER is not one: RFC 9421 writes both numbers at full length', () => {
  const der = Buffer.alloc(70, 0x30);
  assert.throws(() => verifyBase(BASE, der, { algorithm: 'ecdsa-p256-sha256', key: P256.publicKey }), INVALID);
});

test('RFC 9421 section 4.3: the published signature of a proxy with rsa-v1_5-sha256 verifies', () => {
  const key = createPublicKey({
    key: Buffer.from(
      'MIIBCgKCAQEAhAKYdtoeoy8zcAcR874L8cnZxKzAGwd7v36APp7Pv6Q2jdsPBRrw' +
        'WEBnez6d0UDKDwGbc6nxfEXAy5mbhgajzrw3MOEt8uA5txSKobBpKDeBLOsdJKFq' +
        'MGmXCQvEG7YemcxDTRPxAleIAgYYRjTSd/QBwVW9OwNFhekro3RtlinV0a75jfZg' +
        'kne/YiktSvLG34lw2zqXBDTC5NHROUqGTlML4PlNZS5Ri2U4aCNx2rUPRcKIlE0P' +
        'uKxI4T+HIaFpv8+rdV6eUgOrB2xeI1dSFFn/nnv5OoZJEIB+VmuKn3DCUcCZSFlQ' +
        'PSXSfBDiUGhwOw76WuSSsf1D4b/vLoJ10wIDAQAB',
      'base64',
    ),
    format: 'der',
    type: 'pkcs1',
  });
  const base = [
    '"@method": POST',
    '"@authority": origin.host.internal.example',
    '"@path": /foo',
    '"content-digest": sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:',
    '"content-type": application/json',
    '"content-length": 18',
    '"forwarded": for=192.0.2.123;host=example.com;proto=https',
    '"@signature-params": ("@method" "@authority" "@path" "content-digest" "content-type" "content-length" "forwarded");created=1618884480;keyid="test-key-rsa";alg="rsa-v1_5-sha256";expires=1618884540',
  ].join('\n');
  const signature = Buffer.from(
    'S6ZzPXSdAMOPjN/6KXfXWNO/f7V6cHm7BXYUh3YD/fRad4BCaRZxP+JH+8XY1I6+8Cy+CM5g92iHgxtRPz+MjniOaYmdkDcnL9cCpXJleXsOckpURl49GwiyUpZ10KHgOEe11sx3G2gxI8S0jnxQB+Pu68U9vVcasqOWAEObtNKKZd8tSFu7LB5YAv0RAGhB8tmpv7sFnIm9y+7X5kXQfi8NMaZaA8i2ZHwpBdg7a6CMfwnnrtflzvZdXAsD3LH2TwevU+/PBPv0B6NMNk93wUs/vfJvye+YuI87HU38lZHowtznbLVdp770I6VHR6WfgS9ddzirrswsE1w5o0LV/g==',
    'base64',
  );
  const rsa: SignatureKey = { algorithm: 'rsa-v1_5-sha256', key };
  assert.throws(() => verifyBase(Buffer.from(base.replace('POST', 'PUT')), signature, rsa), INVALID);
  assert.doesNotThrow(() => verifyBase(Buffer.from(base), signature, rsa));
});

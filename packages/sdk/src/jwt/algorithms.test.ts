/** Neighbours of a valid signature, made by hand in the manner of Project Wycheproof: none of them may verify. */
import assert from 'node:assert/strict';
import { constants, createHash, type KeyObject, privateEncrypt, sign } from 'node:crypto';
import { test } from 'node:test';
import { createSigningKey, type SigningKey, signBytes } from '../../../../tests/support/tokens.ts';
import { ALGORITHMS, algorithmsFor, keyWeakness, verifySignature } from './algorithms.ts';

const INPUT = Buffer.from('eyJhbGciOiJFUzI1NiJ9.e30');
const rsaKey = createSigningKey('RS256', 'rsa');
const keys: readonly SigningKey[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg) => ({ ...rsaKey, alg })),
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'].map((alg) => createSigningKey(alg, alg)),
];

/** Group orders: NIST SP 800-186 for the P curves, RFC 8032 section 5.1 for Ed25519. */
const ORDERS: Readonly<Record<string, bigint>> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ES512:
    0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
};
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

function verifies({ alg, publicKey }: SigningKey, signature: Buffer, input: Buffer = INPUT): boolean {
  const algorithm = ALGORITHMS.get(alg);
  assert.ok(algorithm !== undefined);
  return verifySignature(algorithm, publicKey, input, signature);
}

function bytesOf(value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex');
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
    const wrong: Buffer[] = [
      Buffer.alloc(0),
      Buffer.alloc(signature.length),
      Buffer.alloc(signature.length, 0xff),
      signature.subarray(1),
      signature.subarray(0, -1),
      Buffer.concat([signature, Buffer.alloc(1)]),
      Buffer.concat([Buffer.alloc(1), signature]),
      Buffer.concat([signature, signature]),
    ];
    for (let index = 0; index < signature.length; index += 7) {
      const flipped = Buffer.from(signature);
      flipped.writeUInt8(signature.readUInt8(index) ^ (1 << (index % 8)), index);
      wrong.push(flipped);
    }
    for (const [index, bad] of wrong.entries()) assert.equal(verifies(key, bad), false, `${key.alg} variant ${index}`);
  }
});

for (const alg of ['ES256', 'ES384', 'ES512']) {
  const key = createSigningKey(alg, alg);
  const order = ORDERS[alg] ?? 0n;
  const half = signBytes(key, INPUT).length / 2;
  const valid = signBytes(key, INPUT);

  test(`C-029 C-030 ${alg} with r or s of 0, 1, n-1, n, n+1 or all ones is refused`, () => {
    const ends = [0n, 1n, order - 1n, order, order + 1n, 2n ** BigInt(half * 8) - 1n].map((value) =>
      bytesOf(value, half),
    );
    const halves = { r: [...ends, valid.subarray(0, half)], s: [...ends, valid.subarray(half)] };
    for (const [i, r] of halves.r.entries()) {
      for (const [j, s] of halves.s.entries()) {
        const untouched = i === ends.length && j === ends.length;
        assert.equal(verifies(key, Buffer.concat([r, s])), untouched, `r ${i} s ${j}`);
      }
    }
  });

  test(`C-030 ${alg} with r and s swapped, or as long as for another curve, is refused`, () => {
    assert.equal(verifies(key, Buffer.concat([valid.subarray(half), valid.subarray(0, half)])), false);
    for (const length of [63, 65, 96, 132, 64].filter((length) => length !== half * 2)) {
      assert.equal(verifies(key, Buffer.concat([valid, Buffer.alloc(200)]).subarray(0, length)), false);
      assert.equal(verifies(key, Buffer.concat([Buffer.alloc(200), valid]).subarray(-length)), false);
    }
  });

  test(`C-031 ${alg} in DER is refused, also when it is as long as the right form`, () => {
    for (let attempt = 0; attempt < 40; attempt += 1) {
      const der = sign(ALGORITHMS.get(alg)?.hash, INPUT, key.privateKey);
      assert.equal(verifies(key, der), false);
      assert.equal(verifies(key, Buffer.concat([der, Buffer.alloc(half * 2)]).subarray(0, half * 2)), false);
    }
  });
}

test('C-032 Ed25519 with S+L, S=0, S=L or 63 bytes is refused', () => {
  const key = createSigningKey('EdDSA', 'ed');
  const valid = signBytes(key, INPUT);
  const scalar = BigInt(`0x${Buffer.from(valid.subarray(32)).reverse().toString('hex')}`);
  for (const wrong of [scalar + ED25519_ORDER, 0n, ED25519_ORDER, ED25519_ORDER - scalar, 2n ** 256n - 1n]) {
    const signature = Buffer.concat([valid.subarray(0, 32), bytesOf(wrong, 32).reverse()]);
    assert.equal(verifies(key, signature), false, String(wrong));
  }
  assert.equal(verifies(key, valid.subarray(0, 63)), false);
  assert.equal(verifies(key, Buffer.concat([Buffer.alloc(32), valid.subarray(32)])), false, 'R of the neutral element');
});

test('C-033 PKCS#1 v1.5 with any other padding than the one of RFC 8017 is refused', () => {
  const digest = createHash('sha256').update(INPUT).digest();
  const oid = Buffer.from('0609608648016503040201', 'hex');
  const info = Buffer.concat([Buffer.from('3031300d', 'hex'), oid, Buffer.from('05000420', 'hex'), digest]);
  const noNull = Buffer.concat([Buffer.from('302f300b', 'hex'), oid, Buffer.from('0420', 'hex'), digest]);
  const longForm = Buffer.concat([Buffer.from('308131300d', 'hex'), oid, Buffer.from('05000420', 'hex'), digest]);
  const otherHash = Buffer.concat([
    Buffer.from('3031300d0609608648016503040204', 'hex'),
    Buffer.from('05000420', 'hex'),
    digest,
  ]);
  const trailing = Buffer.concat([
    Buffer.from('3033300d', 'hex'),
    oid,
    Buffer.from('05000420', 'hex'),
    digest,
    Buffer.from('0500', 'hex'),
  ]);
  const pad = (body: Buffer, { type = 1, fill = 0xff, separator = 0 } = {}): Buffer =>
    Buffer.concat([Buffer.from([0, type]), Buffer.alloc(256 - 3 - body.length, fill), Buffer.from([separator]), body]);
  const short = Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(8, 0xff), Buffer.from([0]), info]);
  assert.equal(verifies(rsaKey, rsaRaw(rsaKey.privateKey, pad(info))), true, 'the right block, made the same way');
  const blocks: Readonly<Record<string, Buffer>> = {
    'no NULL parameter': pad(noNull),
    'a length in long form': pad(longForm),
    'another digest name': pad(otherHash),
    'the bare digest': pad(digest),
    'bytes after the digest': pad(trailing),
    'eight bytes of padding and rubbish': Buffer.concat([short, Buffer.alloc(256 - short.length, 0xaa)]),
    'zeros after the digest': Buffer.concat([short, Buffer.alloc(256 - short.length)]),
    'block type 0': pad(info, { type: 0, fill: 0 }),
    'block type 2': pad(info, { type: 2 }),
    'padding that is not all ones': pad(info, { fill: 0xfe }),
    'no separator': pad(info, { separator: 0xff }),
    'no padding at all': Buffer.concat([Buffer.alloc(256 - info.length), info]),
  };
  for (const [title, block] of Object.entries(blocks)) {
    assert.equal(verifies(rsaKey, rsaRaw(rsaKey.privateKey, block)), false, title);
  }
});

test('C-033 PSS with another salt length, and either scheme in place of the other, is refused', () => {
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  for (const saltLength of [0, 20, 31, 33, 48, 64, constants.RSA_PSS_SALTLEN_MAX_SIGN]) {
    const signature = sign('sha256', INPUT, { key: rsaKey.privateKey, padding, saltLength });
    assert.equal(verifies({ ...rsaKey, alg: 'PS256' }, signature), false, `salt ${saltLength}`);
  }
  const right = sign('sha256', INPUT, { key: rsaKey.privateKey, padding, saltLength: 32 });
  assert.equal(verifies({ ...rsaKey, alg: 'PS256' }, right), true);
  assert.equal(verifies({ ...rsaKey, alg: 'RS256' }, right), false);
  assert.equal(verifies({ ...rsaKey, alg: 'PS256' }, signBytes(rsaKey, INPUT)), false);
  assert.equal(verifies({ ...rsaKey, alg: 'RS384' }, signBytes(rsaKey, INPUT)), false);
});

test('C-033 an RSA signature plus the modulus is refused', () => {
  const { n } = rsaKey.publicKey.export({ format: 'jwk' });
  const modulus = BigInt(`0x${Buffer.from(n ?? '', 'base64url').toString('hex')}`);
  const signature = BigInt(`0x${signBytes(rsaKey, INPUT).toString('hex')}`);
  assert.equal(verifies(rsaKey, bytesOf(signature + modulus, 257)), false);
  assert.equal(verifies(rsaKey, bytesOf(signature + modulus, 257).subarray(1)), false);
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

/** RSASP1 over a block of our making. */
function rsaRaw(key: KeyObject, block: Buffer): Buffer {
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, block);
}

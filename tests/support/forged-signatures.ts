/**
 * Neighbours of a valid signature, in the manner of Project Wycheproof: each is what some verifier took for the right one. RFC 8017
 * section 9 for RSA, FIPS 186-5 for ECDSA, RFC 8032 section 5.1.7 for Ed25519.
 */
import { constants, createHash, type KeyObject, privateEncrypt, sign } from 'node:crypto';
import { type SigningKey, signBytes } from './tokens.ts';

export type ForgedSignatures = ReadonlyMap<string, Buffer>;

/** Group orders: NIST SP 800-186 for the P curves, RFC 8032 section 5.1 for Ed25519. */
const ORDERS: Readonly<Record<string, bigint>> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ES512:
    0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
};
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

export function bytesOf(value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex');
}

/** Of any algorithm: too short, too long, empty, or of one value throughout. */
export function misshapen(key: SigningKey, input: Buffer): ForgedSignatures {
  const valid = signBytes(key, input);
  return new Map([
    ['all zeros', Buffer.alloc(valid.length)],
    ['all ones', Buffer.alloc(valid.length, 0xff)],
    ['without its first byte', valid.subarray(1)],
    ['without its last byte', valid.subarray(0, -1)],
    ['a zero behind it', Buffer.concat([valid, Buffer.alloc(1)])],
    ['a zero before it', Buffer.concat([Buffer.alloc(1), valid])],
    ['twice', Buffer.concat([valid, valid])],
    ['half as long again', Buffer.concat([valid, Buffer.alloc(valid.length / 2)])],
  ]);
}

/** r and s at the ends of their range, and out of it; the valid pair is not among them. */
export function ecdsaForgeries(key: SigningKey, input: Buffer): ForgedSignatures {
  const order = ORDERS[key.alg] ?? 0n;
  const valid = signBytes(key, input);
  const half = valid.length / 2;
  const ends = new Map([
    ['0', bytesOf(0n, half)],
    ['1', bytesOf(1n, half)],
    ['n-1', bytesOf(order - 1n, half)],
    ['n', bytesOf(order, half)],
    ['n+1', bytesOf(order + 1n, half)],
    ['all ones', Buffer.alloc(half, 0xff)],
  ]);
  const forged = new Map<string, Buffer>();
  for (const [r, rBytes] of [...ends, ['valid', valid.subarray(0, half)] as const]) {
    for (const [s, sBytes] of [...ends, ['valid', valid.subarray(half)] as const]) {
      if (r !== 'valid' || s !== 'valid') forged.set(`r ${r}, s ${s}`, Buffer.concat([rBytes, sBytes]));
    }
  }
  const hash = `sha${key.alg.slice(2)}`;
  const der = sign(hash, input, key.privateKey);
  return forged
    .set('r and s swapped', Buffer.concat([valid.subarray(half), valid.subarray(0, half)]))
    .set('DER', der)
    .set('DER as long as the right form', Buffer.concat([der, Buffer.alloc(half * 2)]).subarray(0, half * 2));
}

export function ed25519Forgeries(key: SigningKey, input: Buffer): ForgedSignatures {
  const valid = signBytes(key, input);
  const scalar = BigInt(`0x${Buffer.from(valid.subarray(32)).reverse().toString('hex')}`);
  const withScalar = (value: bigint): Buffer => Buffer.concat([valid.subarray(0, 32), bytesOf(value, 32).reverse()]);
  return new Map([
    ['S+L', withScalar(scalar + ED25519_ORDER)],
    ['S = 0', withScalar(0n)],
    ['S = L', withScalar(ED25519_ORDER)],
    ['L-S', withScalar(ED25519_ORDER - scalar)],
    ['S of all ones', withScalar(2n ** 256n - 1n)],
    ['63 bytes', valid.subarray(0, 63)],
    ['R of the neutral element', Buffer.concat([Buffer.alloc(32), valid.subarray(32)])],
  ]);
}

/** @param key of RS256, 2048 bits */
export function pkcs1Forgeries(key: SigningKey, input: Buffer): ForgedSignatures {
  const hex = (text: string): Buffer => Buffer.from(text, 'hex');
  const digest = createHash('sha256').update(input).digest();
  const oid = hex('0609608648016503040201');
  const info = Buffer.concat([hex('3031300d'), oid, hex('05000420'), digest]);
  const pad = (body: Buffer, { type = 1, fill = 0xff, separator = 0 } = {}): Buffer =>
    Buffer.concat([Buffer.from([0, type]), Buffer.alloc(256 - 3 - body.length, fill), Buffer.from([separator]), body]);
  const short = Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(8, 0xff), Buffer.from([0]), info]);
  const blocks = {
    'no NULL parameter': pad(Buffer.concat([hex('302f300b'), oid, hex('0420'), digest])),
    'a length in long form': pad(Buffer.concat([hex('308131300d'), oid, hex('05000420'), digest])),
    'another digest name': pad(Buffer.concat([hex('3031300d060960864801650304020405000420'), digest])),
    'the bare digest': pad(digest),
    'bytes after the digest': pad(Buffer.concat([hex('3033300d'), oid, hex('05000420'), digest, hex('0500')])),
    'eight bytes of padding and rubbish': Buffer.concat([short, Buffer.alloc(256 - short.length, 0xaa)]),
    'zeros after the digest': Buffer.concat([short, Buffer.alloc(256 - short.length)]),
    'block type 0': pad(info, { type: 0, fill: 0 }),
    'block type 2': pad(info, { type: 2 }),
    'padding that is not all ones': pad(info, { fill: 0xfe }),
    'no separator': pad(info, { separator: 0xff }),
    'no padding at all': Buffer.concat([Buffer.alloc(256 - info.length), info]),
  };
  const modulus = BigInt(
    `0x${Buffer.from(key.publicKey.export({ format: 'jwk' }).n ?? '', 'base64url').toString('hex')}`,
  );
  const raised = bytesOf(BigInt(`0x${signBytes(key, input).toString('hex')}`) + modulus, 257);
  return new Map([
    ...Object.entries(blocks).map(([title, block]) => [title, rsaRaw(key.privateKey, block)] as const),
    ['the modulus added', raised],
    ['the modulus added, cut to length', raised.subarray(1)],
    ['PSS padding', signBytes({ ...key, alg: 'PS256' }, input)],
    ['SHA-1', sign('sha1', input, key.privateKey)],
    ['SHA-512', sign('sha512', input, key.privateKey)],
  ]);
}

/** @param key of RS256: signed for PS256, with another salt than RFC 7518 section 3.5 says, or with PKCS #1 v1.5 padding */
export function pssForgeries(key: SigningKey, input: Buffer): ForgedSignatures {
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const salts = [0, 20, 31, 33, 48, 64, constants.RSA_PSS_SALTLEN_MAX_SIGN];
  return new Map([
    ...salts.map(
      (saltLength) =>
        [`a salt of ${saltLength}`, sign('sha256', input, { key: key.privateKey, padding, saltLength })] as const,
    ),
    ['PKCS #1 padding', signBytes(key, input)],
  ]);
}

/** RSASP1 over a block of our making. */
export function rsaRaw(key: KeyObject, block: Buffer): Buffer {
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, block);
}

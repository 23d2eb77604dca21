/** Mints tokens with real keys, right ones and wrong ones: every part of a token can be replaced by something hostile. */
import { constants, createHmac, generateKeyPairSync, type KeyObject, type SignKeyObjectInput, sign } from 'node:crypto';

export interface SigningKey {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** The public JWK as an issuer publishes it, members added or (when undefined) removed. */
  jwk(changes?: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
}

export interface MintOptions {
  readonly key: SigningKey;
  /** Members to add or replace; undefined removes one. By default alg and kid of the key and `typ: at+jwt`. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** The bytes of the header, instead of JSON made from `header`. */
  readonly rawHeader?: string | Buffer;
  /** The bytes of the payload, instead of JSON made from the claims. */
  readonly rawPayload?: string | Buffer;
  /** Makes the signature from the signing input, instead of the key. */
  readonly sign?: (input: Buffer) => Buffer;
}

const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

/** A fresh key pair for an algorithm; RSA keys have 2048 bits unless told otherwise. */
export function createSigningKey(alg: string, kid: string, rsa: { bits?: number; exponent?: number } = {}): SigningKey {
  const { privateKey, publicKey } = generatePair(alg, rsa);
  return {
    alg,
    kid,
    privateKey,
    publicKey,
    jwk: (changes = {}) => withChanges({ ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }, changes),
  };
}

/** A JWK set document. */
export function keySetBytes(...keys: readonly object[]): Buffer {
  return Buffer.from(JSON.stringify({ keys }));
}

/** A compact JWS, signed rightly unless an option says otherwise. */
export function mint(claims: object, options: MintOptions): string {
  const { key, rawPayload = JSON.stringify(claims) } = options;
  const header = withChanges({ alg: key.alg, kid: key.kid, typ: 'at+jwt' }, options.header ?? {});
  const signingInput = `${encode(options.rawHeader ?? JSON.stringify(header))}.${encode(rawPayload)}`;
  const signature = (options.sign ?? ((input) => signBytes(key, input)))(Buffer.from(signingInput));
  return `${signingInput}.${encode(signature)}`;
}

/** The signature that the key's algorithm makes, ECDSA as r and s side by side. */
export function signBytes({ alg, privateKey }: Pick<SigningKey, 'alg' | 'privateKey'>, input: Buffer): Buffer {
  const bits = alg.slice(2);
  switch (alg.slice(0, 2)) {
    case 'RS':
      return sign(`sha${bits}`, input, privateKey);
    case 'PS':
      return sign(`sha${bits}`, input, pssInput(privateKey, Number(bits) / 8));
    case 'ES':
      return sign(`sha${bits}`, input, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    default:
      return sign(null, input, privateKey);
  }
}

/** An HMAC under any bytes, for tokens that confuse a public key with a shared secret. */
export function hmac(hash: 'sha256' | 'sha384' | 'sha512', secret: string | Buffer): (input: Buffer) => Buffer {
  return (input) => createHmac(hash, secret).update(input).digest();
}

export function encode(value: string | Buffer): string {
  return Buffer.from(value as string).toString('base64url');
}

function generatePair(alg: string, rsa: { bits?: number; exponent?: number }) {
  if (alg === 'EdDSA' || alg === 'Ed25519') return generateKeyPairSync('ed25519');
  const namedCurve = CURVES[alg];
  if (namedCurve !== undefined) return generateKeyPairSync('ec', { namedCurve });
  return generateKeyPairSync('rsa', { modulusLength: rsa.bits ?? 2048, publicExponent: rsa.exponent ?? 65_537 });
}

function pssInput(key: KeyObject, saltLength: number): SignKeyObjectInput {
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
}

function withChanges<T extends object>(base: T, changes: Readonly<Record<string, unknown>>): T {
  const merged = { ...base, ...changes };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined)) as T;
}

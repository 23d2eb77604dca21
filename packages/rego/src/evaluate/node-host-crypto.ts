/** The cryptography that Node lends to builtins. */
import {
  constants,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  KeyObject,
  sign,
  timingSafeEqual,
  verify,
  X509Certificate,
} from 'node:crypto';
import type { HashName, HostCrypto, HostKey, KeyKind, SignatureAlgorithm } from '../builtins/host.ts';

export const NODE_CRYPTO: HostCrypto = {
  hash: (algorithm, data) => createHash(algorithm).update(data).digest(),
  hmac: (algorithm, key, data) => createHmac(algorithm, key).update(data).digest(),
  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  certificateKey: (certificate) => hostKey(new X509Certificate(certificate).publicKey),
  publicKey: (info) => hostKey(createPublicKey({ key: Buffer.from(info), format: 'der', type: 'spki' })),
  jwk: readJwk,
  isIssuedBy,
  matches: (certificate, privateJwk) => {
    const key = createPrivateKey({ key: { ...privateJwk }, format: 'jwk' });
    return new X509Certificate(certificate).checkPrivateKey(key);
  },
  privateKeyJwk: (pem) => ({ ...createPrivateKey(pem).export({ format: 'jwk' }) }),
  verify: verifySignature,
  sign: makeSignature,
};

/** A certificate whose key cannot be read issued nothing. */
function isIssuedBy(certificate: Uint8Array, issuer: Uint8Array): boolean {
  try {
    return new X509Certificate(certificate).verify(new X509Certificate(issuer).publicKey);
  } catch {
    return false;
  }
}

function readJwk(jwk: Readonly<Record<string, unknown>>): HostKey {
  if (jwk.kty === 'oct') {
    if (typeof jwk.k !== 'string') throw new Error('key "k" is missing');
    return hostKey(createSecretKey(Buffer.from(jwk.k, 'base64url')));
  }
  const key = { ...jwk };
  return hostKey(
    typeof jwk.d === 'string' ? createPrivateKey({ key, format: 'jwk' }) : createPublicKey({ key, format: 'jwk' }),
  );
}

function hostKey(handle: KeyObject): HostKey {
  return { kind: kindOf(handle), handle };
}

function kindOf(key: KeyObject): KeyKind {
  if (key.type === 'secret') return 'secret';
  switch (key.asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      return 'rsa';
    case 'ec':
      return 'ec';
    case 'ed25519':
      return 'ed25519';
    default:
      throw new Error(`unsupported key type ${key.asymmetricKeyType ?? 'unknown'}`);
  }
}

interface Scheme {
  readonly hash: HashName | null;
  readonly options: { readonly padding?: number; readonly saltLength?: number; readonly dsaEncoding?: 'ieee-p1363' };
}

function schemeOf(algorithm: SignatureAlgorithm): Scheme {
  if (algorithm === 'EdDSA') return { hash: null, options: {} };
  const hash = `sha${algorithm.slice(2)}` as HashName;
  switch (algorithm.slice(0, 2)) {
    case 'PS': {
      const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants;
      return { hash, options: { padding, saltLength } };
    }
    case 'ES':
      return { hash, options: { dsaEncoding: 'ieee-p1363' } };
    default:
      return { hash, options: { padding: constants.RSA_PKCS1_PADDING } };
  }
}

function verifySignature(
  algorithm: SignatureAlgorithm,
  { handle }: HostKey,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (!(handle instanceof KeyObject)) throw new Error('not a key of this platform');
  const { hash, options } = schemeOf(algorithm);
  if (handle.type === 'secret') {
    return hash !== null && NODE_CRYPTO.equal(createHmac(hash, handle).update(data).digest(), signature);
  }
  const saltLength = options.saltLength === undefined ? {} : { saltLength: constants.RSA_PSS_SALTLEN_AUTO };
  return verify(hash, data, { key: handle, ...options, ...saltLength }, signature);
}

function makeSignature(algorithm: SignatureAlgorithm, { handle }: HostKey, data: Uint8Array): Uint8Array {
  if (!(handle instanceof KeyObject)) throw new Error('not a key of this platform');
  const { hash, options } = schemeOf(algorithm);
  if (handle.type !== 'secret') return sign(hash, data, { key: handle, ...options });
  if (hash === null) throw new Error('a secret does not sign with EdDSA');
  return createHmac(hash, handle).update(data).digest();
}

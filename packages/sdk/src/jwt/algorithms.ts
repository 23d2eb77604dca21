/**
 * The closed table of signature algorithms, RFC 7518 section 3.1, RFC 8037 and RFC 9864.
 * Asymmetric only: no `none`, and no HMAC that could be keyed with a public key.
 */
import { constants, type KeyObject, verify } from 'node:crypto';

export type AlgorithmName =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519';

export interface Algorithm {
  readonly name: AlgorithmName;
  /** As `KeyObject.asymmetricKeyType` says it. */
  readonly keyType: 'rsa' | 'ec' | 'ed25519';
  /** OpenSSL's name of the only curve that fits. */
  readonly curve?: string;
  readonly hash: string | null;
  /** Absent for RSA, whose signatures are as long as the modulus. */
  readonly signatureBytes?: number;
  readonly parameters: {
    readonly padding?: number;
    readonly saltLength?: number;
    readonly dsaEncoding?: 'ieee-p1363';
  };
}

const MIN_RSA_BITS = 2048;
/** Larger moduli cost more to verify than a caller may make us spend. */
const MAX_RSA_BITS = 8192;
const MIN_RSA_EXPONENT = 65_537n;
const MAX_RSA_EXPONENT = 0xffff_ffffn;

const rsa = (name: AlgorithmName, hash: string): Algorithm => ({
  name,
  keyType: 'rsa',
  hash,
  parameters: { padding: constants.RSA_PKCS1_PADDING },
});

const pss = (name: AlgorithmName, hash: string, saltLength: number): Algorithm => ({
  name,
  keyType: 'rsa',
  hash,
  parameters: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength },
});

const ecdsa = (name: AlgorithmName, hash: string, curve: string, signatureBytes: number): Algorithm => ({
  name,
  keyType: 'ec',
  curve,
  hash,
  signatureBytes,
  parameters: { dsaEncoding: 'ieee-p1363' },
});

const eddsa = (name: AlgorithmName): Algorithm => ({
  name,
  keyType: 'ed25519',
  hash: null,
  signatureBytes: 64,
  parameters: {},
});

const ROWS: readonly Algorithm[] = [
  rsa('RS256', 'sha256'),
  rsa('RS384', 'sha384'),
  rsa('RS512', 'sha512'),
  pss('PS256', 'sha256', 32),
  pss('PS384', 'sha384', 48),
  pss('PS512', 'sha512', 64),
  ecdsa('ES256', 'sha256', 'prime256v1', 64),
  ecdsa('ES384', 'sha384', 'secp384r1', 96),
  ecdsa('ES512', 'sha512', 'secp521r1', 132),
  eddsa('EdDSA'),
  eddsa('Ed25519'),
];

/** By exact name: `alg` is case-sensitive, RFC 7515 section 4.1.1. */
export const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map(ROWS.map((row) => [row.name, row]));

/** All of them, for whoever announces what it accepts. */
export const ALGORITHM_NAMES: readonly AlgorithmName[] = ROWS.map(({ name }) => name);

/** The algorithms a key can serve, by its type and curve; none for a key of any other kind. */
export function algorithmsFor(key: KeyObject): readonly AlgorithmName[] {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  return ROWS.filter(
    (row) => row.keyType === key.asymmetricKeyType && (row.curve === undefined || row.curve === curve),
  ).map((row) => row.name);
}

/** What makes an RSA key unacceptable, or undefined; the curves of the table have no weak sizes. */
export function keyWeakness(key: KeyObject): string | undefined {
  if (key.asymmetricKeyType !== 'rsa') return undefined;
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < MIN_RSA_BITS) return `RSA modulus of ${modulusLength} bits, at least ${MIN_RSA_BITS} are needed`;
  if (modulusLength > MAX_RSA_BITS) return `RSA modulus of ${modulusLength} bits, at most ${MAX_RSA_BITS} are accepted`;
  if (publicExponent < MIN_RSA_EXPONENT || publicExponent > MAX_RSA_EXPONENT || publicExponent % 2n === 0n) {
    return `RSA exponent ${publicExponent}, use ${MIN_RSA_EXPONENT}`;
  }
  return undefined;
}

/** Whether the signature is exactly right; of the wrong length, encoding or padding is false, never a throw. */
export function verifySignature(algorithm: Algorithm, key: KeyObject, input: Buffer, signature: Buffer): boolean {
  const bytes = algorithm.signatureBytes ?? Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
  if (signature.length !== bytes) return false;
  return verify(algorithm.hash, input, { key, ...algorithm.parameters }, signature);
}

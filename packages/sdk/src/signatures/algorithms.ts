/** The closed table of signature algorithms, RFC 9421 section 3.3. */
import { constants, createHmac, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto';
import { Problem } from '../problem.ts';

export type SignatureAlgorithm =
  | 'rsa-pss-sha512'
  | 'rsa-v1_5-sha256'
  | 'ecdsa-p256-sha256'
  | 'ecdsa-p384-sha384'
  | 'ed25519'
  | 'hmac-sha256';

/** One key is for one algorithm: what a message says of `alg` can only agree. */
export interface SignatureKey {
  readonly algorithm: SignatureAlgorithm;
  readonly key: KeyObject;
}

interface Row {
  /** As `KeyObject.asymmetricKeyType` says it; none for a shared secret. */
  readonly keyTypes: readonly string[];
  readonly curve?: string;
  readonly hash: string | null;
  /** Absent for RSA, whose signatures are as long as the modulus. */
  readonly signatureBytes?: number;
  readonly parameters: { padding?: number; saltLength?: number; dsaEncoding?: 'ieee-p1363' };
}

const ROWS: Readonly<Record<SignatureAlgorithm, Row>> = {
  'rsa-pss-sha512': {
    keyTypes: ['rsa', 'rsa-pss'],
    hash: 'sha512',
    parameters: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 },
  },
  'rsa-v1_5-sha256': { keyTypes: ['rsa'], hash: 'sha256', parameters: { padding: constants.RSA_PKCS1_PADDING } },
  'ecdsa-p256-sha256': ecdsa('prime256v1', 'sha256', 64),
  'ecdsa-p384-sha384': ecdsa('secp384r1', 'sha384', 96),
  ed25519: { keyTypes: ['ed25519'], hash: null, signatureBytes: 64, parameters: {} },
  'hmac-sha256': { keyTypes: [], hash: 'sha256', signatureBytes: 32, parameters: {} },
};

const MIN_RSA_BITS = 2048;
/** Larger moduli cost more to verify than a caller may make us spend. */
const MAX_RSA_BITS = 8192;
/** As long as the hash, RFC 2104 section 3. */
const MIN_SECRET_BYTES = 32;

function ecdsa(curve: string, hash: string, signatureBytes: number): Row {
  return { keyTypes: ['ec'], curve, hash, signatureBytes, parameters: { dsaEncoding: 'ieee-p1363' } };
}

/** @throws Problem `signature_invalid` when the key is not one for its algorithm */
export function signBase(base: Buffer, { algorithm, key }: SignatureKey): Buffer {
  const row = fittingRow(algorithm, key);
  if (key.type === 'secret') return createHmac('sha256', key).update(base).digest();
  return sign(row.hash, base, { key, ...row.parameters });
}

/** @throws Problem `signature_invalid` */
export function verifyBase(base: Buffer, signature: Buffer, { algorithm, key }: SignatureKey): void {
  const row = fittingRow(algorithm, key);
  if (row.signatureBytes !== undefined && signature.length !== row.signatureBytes) {
    throw refused(`a signature of ${algorithm} has ${row.signatureBytes} bytes, this one has ${signature.length}`);
  }
  if (!matches(base, signature, key, row)) throw refused('the signature does not verify');
}

function matches(base: Buffer, signature: Buffer, key: KeyObject, row: Row): boolean {
  if (key.type === 'secret') return timingSafeEqual(createHmac('sha256', key).update(base).digest(), signature);
  try {
    return verify(row.hash, base, { key, ...row.parameters }, signature);
  } catch {
    return false;
  }
}

function fittingRow(algorithm: SignatureAlgorithm, key: KeyObject): Row {
  const row = ROWS[algorithm];
  if (!fits(row, key)) throw refused(`the key is not one for ${algorithm}`);
  return row;
}

function fits(row: Row, key: KeyObject): boolean {
  if (key.type === 'secret') return row.keyTypes.length === 0 && (key.symmetricKeySize ?? 0) >= MIN_SECRET_BYTES;
  if (!row.keyTypes.includes(key.asymmetricKeyType ?? '')) return false;
  const details = key.asymmetricKeyDetails;
  if (row.curve !== undefined) return details?.namedCurve === row.curve;
  const bits = details?.modulusLength;
  return bits === undefined || (bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS);
}

function refused(reason: string): Problem {
  return new Problem('signature_invalid', reason);
}

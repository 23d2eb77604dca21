/** Keys and signatures that are too weak to prove anything: RSA below 2048 bits, curves below P-256, SHA-1 and older. */
import type { KeyObject } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import { contextTag, DerError, readDer, readFields, TAG } from './der.ts';
import { readOid } from './der-values.ts';

const CURVES: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);
const MIN_RSA_BITS = 2048;
const MIN_RSA_EXPONENT = 65_537n;

/** Signature algorithms that name a hash of 256 bits or more, or need none (RFC 8410, RFC 5758, RFC 4055). */
const STRONG_SIGNATURES: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.3.101.112',
  '1.3.101.113',
]);
const RSASSA_PSS = '1.2.840.113549.1.1.10';
const STRONG_HASHES: ReadonlySet<string> = new Set([
  '2.16.840.1.101.3.4.2.1',
  '2.16.840.1.101.3.4.2.2',
  '2.16.840.1.101.3.4.2.3',
]);

/** Why a certificate is too weak, or `undefined`. Fails closed: what is not known to be strong is weak. */
export function certificateWeakness(certificate: Certificate): string | undefined {
  return keyWeakness(certificate.publicKey) ?? signatureWeakness(certificate);
}

/** Why a key is too weak, or `undefined`; fails closed as {@link certificateWeakness}. */
export function keyWeakness(key: KeyObject): string | undefined {
  const { modulusLength = 0, publicExponent = 0n, namedCurve } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      if (modulusLength < MIN_RSA_BITS) return `its RSA key has ${modulusLength} bits, fewer than ${MIN_RSA_BITS}`;
      return publicExponent < MIN_RSA_EXPONENT ? `its RSA key has the exponent ${publicExponent}` : undefined;
    case 'ec':
      return CURVES.has(namedCurve) ? undefined : `its key is on the curve ${namedCurve ?? 'of its own parameters'}`;
    case 'ed25519':
    case 'ed448':
      return undefined;
    default:
      return `its key is of the kind ${key.asymmetricKeyType ?? 'unknown'}`;
  }
}

function signatureWeakness({ signatureAlgorithm, signatureParameters }: Certificate): string | undefined {
  if (STRONG_SIGNATURES.has(signatureAlgorithm)) return undefined;
  if (signatureAlgorithm === RSASSA_PSS && STRONG_HASHES.has(pssHash(signatureParameters))) return undefined;
  return `it is signed with a weak or unknown algorithm (${signatureAlgorithm})`;
}

/** RFC 4055 section 3.1: without a `[0]` in its parameters RSASSA-PSS means SHA-1. */
function pssHash(parameters: Buffer | undefined): string {
  const sha1 = '1.3.14.3.2.26';
  if (parameters === undefined) return sha1;
  try {
    const [first] = readFields(readDer(parameters), TAG.sequence, 'RSASSA-PSS parameters');
    if (first?.tag !== contextTag(0, true)) return sha1;
    const [hash] = readFields(readDer(first.content), TAG.sequence, 'a hash algorithm');
    return readOid(hash, 'a hash algorithm');
  } catch (error) {
    if (error instanceof DerError) return sha1;
    throw error;
  }
}

/**
 * The legacy way: one secret that all services share, HS256. Whoever can verify a token can make one, so it is only for those who ask for it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { decodeSegment, readClaims, readHeader, splitCompact } from '../jwt/compact.ts';
import { signingInput } from '../jwt/sign-jwt.ts';
import type { JsonObject } from '../jwt/strict-json.ts';
import { Problem } from '../problem.ts';
import { excerpt } from '../x509/excerpt.ts';

export interface SharedSecret {
  /** Sixteen hexadecimal digits that tell secrets apart, and from which none can be made. */
  readonly fingerprint: string;
  sign(claims: object): string;
  /** Whether it made this signature; constant in time. */
  made(signature: Buffer, input: string): boolean;
}

/** RFC 7518 section 3.2: as long as the hash. */
const MIN_SECRET_BYTES = 32;

/** @throws RangeError when it is empty or too short; nothing of it is in the message */
export function readSharedSecret(name: string, secret: string): SharedSecret {
  const bytes = Buffer.from(secret, 'utf8');
  if (bytes.length === 0) throw new RangeError(`${name} is empty: no token is signed without a secret`);
  if (bytes.length < MIN_SECRET_BYTES) {
    throw new RangeError(
      `${name} has ${bytes.length} bytes, HS256 needs at least ${MIN_SECRET_BYTES} (RFC 7518 section 3.2); openssl rand -base64 48 makes one`,
    );
  }
  const mac = (input: string): Buffer => createHmac('sha256', bytes).update(input, 'latin1').digest();
  return {
    fingerprint: mac('sidegate: which secret is it?').toString('hex').slice(0, 16),
    sign(claims) {
      const input = signingInput({ alg: 'HS256', typ: 'JWT' }, claims);
      return `${input}.${mac(input).toString('base64url')}`;
    },
    made(signature, input) {
      const expected = mac(input);
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    },
  };
}

/**
 * The claims of a token that one of the secrets signed; their dates are for the caller to check.
 *
 * @throws Problem `token_*`
 */
export function verifyShared(token: string, secrets: readonly SharedSecret[]): JsonObject {
  const segments = splitCompact(token);
  const { alg } = readHeader(segments.header);
  if (alg !== 'HS256') throw new Problem('token_alg_not_allowed', `alg ${excerpt(alg)}, only HS256 is accepted here`);
  const signature = decodeSegment(segments.signature, 'signature');
  if (!secrets.some((secret) => secret.made(signature, segments.signingInput))) {
    throw new Problem(
      'token_signature_invalid',
      `not signed by ${secrets.map(({ fingerprint }) => fingerprint).join(', ')}`,
    );
  }
  return readClaims(segments.payload);
}

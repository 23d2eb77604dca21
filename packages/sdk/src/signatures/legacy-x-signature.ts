/**
 * The `X-Signature` scheme of older services: HMAC-SHA256 over the body and a timestamp, in hexadecimal. It covers neither method
 * nor path nor query, so it is for peers that know nothing better.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { JsonError } from '../jwt/strict-json.ts';
import { Problem } from '../problem.ts';
import { pythonJson } from './python-json.ts';

/**
 * What of the body is signed: its bytes as they travel; or what Python's `json.dumps(body, sort_keys=True)` makes of them, for peers
 * that sign a value and not bytes. Bodies that differ in their order and white space then have one signature.
 */
export type LegacyCoverage = 'raw_bytes' | 'canonical_json';

export interface LegacySigned {
  readonly body: Uint8Array;
  /** The text of `X-Timestamp`. */
  readonly timestamp: string;
  readonly covers: LegacyCoverage;
}

const MIN_SECRET_BYTES = 16;

/** @throws Problem `signature_invalid` when the body is not JSON although that is signed, or the secret is short */
export function legacySignature(signed: LegacySigned, secret: string): string {
  if (isShort(secret)) throw new Problem('signature_invalid', `the secret has fewer than ${MIN_SECRET_BYTES} bytes`);
  return hexMac(signedBytes(signed), secret);
}

/**
 * Whether the signature is that of one of the secrets; each is tried, so that the time does not tell which. One that is short, such as a
 * variable that is not set, signs nothing.
 *
 * @throws Problem `signature_invalid` when the body is not JSON although that is signed
 */
export function isLegacySignature(given: string, signed: LegacySigned, secrets: readonly string[]): boolean {
  const message = signedBytes(signed);
  const bytes = Buffer.from(given);
  const matching = secrets.filter((secret) => {
    const expected = Buffer.from(hexMac(message, secret));
    return bytes.length === expected.length && timingSafeEqual(bytes, expected) && !isShort(secret);
  });
  return matching.length > 0;
}

const hexMac = (message: Buffer, secret: string): string => createHmac('sha256', secret).update(message).digest('hex');
const isShort = (secret: string): boolean => Buffer.byteLength(secret) < MIN_SECRET_BYTES;

const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-]\d{2}:\d{2})?$/;

/** Milliseconds since the Unix epoch of an ISO 8601 date and time, in UTC where it has no zone; undefined: it is none. */
export function readLegacyTimestamp(text: string): number | undefined {
  if (!TIMESTAMP.test(text)) return undefined;
  const time = Date.parse(/(?:Z|[+-]\d{2}:\d{2})$/.test(text) ? text : `${text}Z`);
  // Date.parse lets the 31st of February be a day of March
  const isDay = new Date(`${text.slice(0, 10)}T00:00Z`).toISOString().startsWith(text.slice(0, 10));
  return Number.isNaN(time) || !isDay ? undefined : time;
}

function signedBytes({ body, timestamp, covers }: LegacySigned): Buffer {
  if (covers === 'raw_bytes' || body.length === 0) return Buffer.concat([body, Buffer.from(timestamp)]);
  try {
    return Buffer.from(pythonJson(body) + timestamp);
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new Problem('signature_invalid', `the body cannot be signed as JSON: ${cause.message}`, { cause });
  }
}

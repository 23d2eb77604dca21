/** `Content-Digest`, RFC 9530: ties a body, byte for byte, to the fields that are signed. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Problem } from '../problem.ts';
import { type FieldLines, valuesOf } from './message.ts';
import { readDictionary } from './structured-fields.ts';

export type DigestAlgorithm = 'sha-256' | 'sha-512';

/** The insecure algorithms of the registry are not known here, so they prove nothing. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
]);

export function contentDigest(body: Uint8Array, algorithm: DigestAlgorithm = 'sha-256'): string {
  return `${algorithm}=:${createHash(algorithm.replace('-', '')).update(body).digest('base64')}:`;
}

/**
 * Every digest that is known must match, and one must be there.
 *
 * @throws Problem `digest_mismatch`; `invalid_request` when the field is not a dictionary
 */
export function verifyContentDigest(headers: FieldLines, body: Uint8Array): void {
  const digests = readDictionary(valuesOf(headers, 'content-digest').join(', '), 'Content-Digest');
  const known = [...digests].filter(([name]) => HASHES.has(name));
  if (known.length === 0) throw mismatch('Content-Digest has neither sha-256 nor sha-512');
  for (const [name, [value]] of known) {
    if (!(value instanceof ArrayBuffer)) throw mismatch(`${name} is not a byte sequence`);
    const actual = createHash(HASHES.get(name) ?? '')
      .update(body)
      .digest();
    const claimed = Buffer.from(value);
    if (claimed.length !== actual.length || !timingSafeEqual(claimed, actual))
      throw mismatch(`${name} is of another body`);
  }
}

function mismatch(reason: string): Problem {
  return new Problem('digest_mismatch', reason);
}

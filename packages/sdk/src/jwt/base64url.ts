/** base64url without padding, RFC 7515 section 2, exactly one spelling for each byte string. */

/**
 * The bytes of a canonical base64url text, or undefined.
 *
 * `Buffer.from(text, 'base64url')` skips what it does not know, takes `+` for `-` and ignores unused bits, so that one
 * signature has many spellings. Only the one that encoding writes is accepted.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

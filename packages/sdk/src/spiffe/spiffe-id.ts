/**
 * SPIFFE IDs as a value type: one constructor, which validates (SPIFFE-ID sections 2.1 to 2.3).
 * The standard leaves nothing to normalise, so two IDs are the same exactly when their text is.
 */

declare const validated: unique symbol;

/** A valid SPIFFE ID; only {@link parseSpiffeId} makes one. */
export interface SpiffeId {
  readonly [validated]: true;
  /** The whole ID, for comparing and for logs. */
  readonly uri: string;
  readonly trustDomain: string;
  /** Empty, or `/` and segments. */
  readonly path: string;
}

/** Why a text is not a SPIFFE ID; the message never repeats the text. */
export class SpiffeIdError extends Error {
  override readonly name = 'SpiffeIdError';
}

const SCHEME = 'spiffe://';
const MAX_ID_LENGTH = 2048;
const MAX_TRUST_DOMAIN_LENGTH = 255;
const TRUST_DOMAIN = /^[a-z0-9._-]+$/;
const SEGMENT = /^[A-Za-z0-9._-]+$/;

/**
 * Reads a SPIFFE ID, strictly: no upper-case trust domain, no port, user, query or fragment, no percent-encoding,
 * no empty or dot segment, no trailing slash, at most 2048 bytes.
 *
 * @throws SpiffeIdError
 * @example
 * ```ts
 * parseSpiffeId('spiffe://example.org/zone1/api-gateway').trustDomain; // 'example.org'
 * ```
 */
export function parseSpiffeId(text: string): SpiffeId {
  // The length first: everything accepted below is ASCII, so characters are bytes.
  if (text.length > MAX_ID_LENGTH) throw new SpiffeIdError(`it is longer than ${MAX_ID_LENGTH} bytes`);
  if (!text.startsWith(SCHEME)) throw new SpiffeIdError(`it does not start with ${SCHEME}`);

  const slash = text.indexOf('/', SCHEME.length);
  const trustDomain = slash === -1 ? text.slice(SCHEME.length) : text.slice(SCHEME.length, slash);
  const path = slash === -1 ? '' : text.slice(slash);
  checkTrustDomain(trustDomain);
  if (path !== '') checkPath(path);
  return Object.freeze({ uri: text, trustDomain, path }) as SpiffeId;
}

function checkTrustDomain(trustDomain: string): void {
  if (trustDomain === '') throw new SpiffeIdError('the trust domain is missing');
  if (trustDomain.length > MAX_TRUST_DOMAIN_LENGTH) {
    throw new SpiffeIdError(`the trust domain is longer than ${MAX_TRUST_DOMAIN_LENGTH} bytes`);
  }
  if (!TRUST_DOMAIN.test(trustDomain)) {
    throw new SpiffeIdError('the trust domain may only have lower-case letters, digits, ".", "-" and "_"');
  }
}

function checkPath(path: string): void {
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') throw new SpiffeIdError('the path has an empty segment or ends with a slash');
    if (segment === '.' || segment === '..') throw new SpiffeIdError('the path has a dot segment');
    if (!SEGMENT.test(segment)) {
      throw new SpiffeIdError('a path segment may only have letters, digits, ".", "-" and "_"');
    }
  }
}

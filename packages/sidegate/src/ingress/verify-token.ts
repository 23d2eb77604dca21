/** Stage 3: the bearer token, verified; synchronous when its keys are loaded. */

import { Problem, readCredentials, type TokenVerifier, type VerifiedToken } from '@sidegate/sdk';
import type { RequestHead } from '../net/request-head.ts';
import type { BadTokens } from './bad-tokens.ts';
import { type TokenCookie, tokenOfCookie } from './token-cookie.ts';

export interface TokenOptions {
  /** Lower-case name of the header that carries the token. */
  readonly header: string;
  readonly scheme: string;
  /** Undefined: a token in a cookie is not read. */
  readonly cookie: TokenCookie | undefined;
  readonly verifier: TokenVerifier;
  readonly bad: BadTokens;
}

/**
 * @param caller who is counted when the token is bad; undefined: nobody
 * @returns undefined only where the route asks for no token and none was sent
 * @throws Problem `token_*`, `authorization_malformed`, `duplicate_header`, `cross_site_request`, `rate_limited`, `jwks_unavailable`
 */
export function verifyToken(
  request: RequestHead,
  required: boolean,
  options: TokenOptions | undefined,
  caller: (() => string) | undefined,
): VerifiedToken | Promise<VerifiedToken> | undefined {
  if (options === undefined) {
    if (!required) return undefined;
    throw new Problem('not_ready', 'the route requires a token, but no issuer is configured');
  }
  try {
    const token = readToken(request, options);
    const { verifier, bad } = options;
    return caller === undefined ? verifier.verify(token) : bad.verify(token, verifier, caller);
  } catch (error) {
    if (!required && error instanceof Problem && error.code === 'token_missing') return undefined;
    throw error;
  }
}

function readToken(request: RequestHead, options: TokenOptions): string {
  const { fields } = request;
  const { header, cookie } = options;
  const token = cookie === undefined ? undefined : tokenOfCookie(request, cookie);
  if (token === undefined) return readCredentials(fields.all(header), options);
  // RFC 6750 section 2: one method of sending the token.
  if (fields.has(header)) throw new Problem('invalid_request', 'a token in a cookie beside one in the header');
  return token;
}

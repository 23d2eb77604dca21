/** Stage 3: the token, verified; synchronous when its keys are loaded. */

import {
  hasProofScheme,
  PROOF_SCHEME,
  Problem,
  readCredentials,
  type TokenVerifier,
  type VerifiedToken,
} from '@sidegate/sdk';
import type { RequestHead } from '../net/request-head.ts';
import type { BadTokens } from './bad-tokens.ts';
import type { ProofOptions } from './prove-key.ts';
import { type TokenCookie, tokenOfCookie } from './token-cookie.ts';

export interface TokenOptions {
  /** Lower-case name of the header that carries the token. */
  readonly header: string;
  readonly scheme: string;
  /** Undefined: a token in a cookie is not read. */
  readonly cookie: TokenCookie | undefined;
  readonly verifier: TokenVerifier;
  readonly bad: BadTokens;
  /** Undefined: no token is taken by the scheme `DPoP`. */
  readonly proofs: ProofOptions | undefined;
}

/** How `Txn-Token` is verified. */
export interface TransactionOptions {
  readonly verifier: TokenVerifier;
  readonly bad: BadTokens;
}

/** Whether the token comes with the proof of a key, rather than as what whoever bears it may use. */
export function presentsProof({ fields }: RequestHead, { header, proofs }: TokenOptions): boolean {
  return proofs !== undefined && hasProofScheme(fields.single(header));
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

/** @throws Problem as {@link verifyToken} */
export function verifyTransaction(
  text: string,
  { verifier, bad }: TransactionOptions,
  caller: (() => string) | undefined,
): VerifiedToken | Promise<VerifiedToken> {
  return caller === undefined ? verifier.verify(text) : bad.verify(text, verifier, caller);
}

/**
 * The token as it was sent, which {@link verifyToken} verifies.
 *
 * @throws Problem `token_missing`, `authorization_malformed`, `duplicate_header`
 */
export function readToken(request: RequestHead, options: TokenOptions): string {
  const { fields } = request;
  const { header, cookie } = options;
  const token = cookie === undefined ? undefined : tokenOfCookie(request, cookie);
  if (token === undefined) {
    const scheme = presentsProof(request, options) ? PROOF_SCHEME : options.scheme;
    return readCredentials(fields.all(header), { header, scheme });
  }
  // RFC 6750 section 2: one method of sending the token.
  if (fields.has(header)) throw new Problem('invalid_request', 'a token in a cookie beside one in the header');
  return token;
}

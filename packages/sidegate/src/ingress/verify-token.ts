/** Stage 3: the bearer token, verified; synchronous when its keys are loaded. */

import { type BearerOptions, Problem, readBearer, type TokenVerifier, type VerifiedToken } from '@sidegate/sdk';
import type { RawHeaders } from '../net/raw-headers.ts';

export interface TokenOptions extends BearerOptions {
  readonly verifier: TokenVerifier;
}

/**
 * @returns undefined only where the route asks for no token and none was sent
 * @throws Problem `token_*`, `authorization_malformed`, `duplicate_header`, `jwks_unavailable`
 */
export function verifyToken(
  headers: RawHeaders,
  required: boolean,
  options: TokenOptions | undefined,
): VerifiedToken | Promise<VerifiedToken> | undefined {
  if (options === undefined) {
    if (!required) return undefined;
    throw new Problem('not_ready', 'the route requires a token, but no issuer is configured');
  }
  try {
    return options.verifier.verify(readBearer(headers, options));
  } catch (error) {
    if (!required && error instanceof Problem && error.code === 'token_missing') return undefined;
    throw error;
  }
}

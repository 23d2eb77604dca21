/** Stage 3: the bearer token, verified; synchronous when its keys are loaded. */

import { Problem, readCredentials, type TokenVerifier, type VerifiedToken } from '@sidegate/sdk';
import type { Fields } from '../net/fields.ts';

export interface TokenOptions {
  /** Lower-case name of the header that carries the token. */
  readonly header: string;
  readonly scheme: string;
  readonly verifier: TokenVerifier;
}

/**
 * @returns undefined only where the route asks for no token and none was sent
 * @throws Problem `token_*`, `authorization_malformed`, `duplicate_header`, `jwks_unavailable`
 */
export function verifyToken(
  fields: Fields,
  required: boolean,
  options: TokenOptions | undefined,
): VerifiedToken | Promise<VerifiedToken> | undefined {
  if (options === undefined) {
    if (!required) return undefined;
    throw new Problem('not_ready', 'the route requires a token, but no issuer is configured');
  }
  try {
    return options.verifier.verify(readCredentials(fields.all(options.header), options));
  } catch (error) {
    if (!required && error instanceof Problem && error.code === 'token_missing') return undefined;
    throw error;
  }
}

/** What a route asks of a token before the policy is asked: scopes, by their exact names. RFC 6750 section 3.1. */
import { Problem, requireScopes, type VerifiedToken } from '@sidegate/sdk';
import type { Route } from './route.ts';

/** @throws Problem `insufficient_scope`, or `token_missing` where no token came to have any */
export function checkScopes(token: VerifiedToken | undefined, { path, requiredScopes }: Route): void {
  if (requiredScopes.length === 0) return;
  if (token === undefined) throw new Problem('token_missing', `route ${path} asks for scopes`);
  requireScopes(token.scopes, requiredScopes);
}

/** OAuth scopes: reading the claim in both shapes that issuers write, and requiring them, RFC 6749 section 3.3. */
import { Problem } from '../problem.ts';
import { isJsonArray, type JsonValue } from './strict-json.ts';

/** `scope-token`: no space, tab, quote, backslash or anything outside ASCII. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * The scopes of a claim: a string split at single spaces (RFC 9068 section 2.2.3), or an array of strings.
 * What is not a scope token (a name with a tab or a no-break space) grants nothing, it is never trimmed into one.
 *
 * @throws Problem `token_claim_type`
 */
export function readScopes(claim: JsonValue | undefined): readonly string[] {
  if (claim === undefined) return [];
  const names = typeof claim === 'string' ? claim.split(' ') : claim;
  if (!isJsonArray(names) || !names.every((name) => typeof name === 'string')) {
    throw new Problem('token_claim_type', 'scope is neither a string nor an array of strings');
  }
  return Object.freeze(names.filter((name) => SCOPE_TOKEN.test(name)));
}

/**
 * Passes when every required scope was granted, by exact name.
 *
 * @throws Problem `insufficient_scope`
 */
export function requireScopes(granted: readonly string[], required: readonly string[]): void {
  const missing = required.filter((name) => !granted.includes(name));
  if (missing.length === 0) return;
  const detail = `Missing scopes: ${missing.join(', ')}`;
  throw new Problem('insufficient_scope', `missing scope: ${missing.join(' ')}`, { detail });
}

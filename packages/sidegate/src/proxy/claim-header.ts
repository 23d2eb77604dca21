/** A claim as a header value: one unambiguous ASCII text, or a refusal. */
import { Problem } from '@sidegate/sdk';

const MAX_BYTES = 1024;

/**
 * Strings, numbers and booleans are themselves, a list is joined by commas; `%` and what is not printable ASCII
 * is percent-encoded as UTF-8, so nothing is truncated or read twice.
 *
 * @returns undefined when the claim is absent, null or an empty list
 * @throws Problem `token_claim_unsafe`
 */
export function claimHeaderValue(claims: Readonly<Record<string, unknown>>, path: string): string | undefined {
  const claim = claimAt(claims, path);
  if (claim === undefined || claim === null) return undefined;
  const value = Array.isArray(claim) ? joined(claim, path) : encoded(claim, path);
  if (value.length > MAX_BYTES) {
    throw new Problem('token_claim_unsafe', `the claim ${path} is longer than ${MAX_BYTES} bytes as a header`);
  }
  return value === '' ? undefined : value;
}

/** The member of that very name, else the nested one that the dots describe. */
export function claimAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let at: unknown = claims;
  for (const name of path.split('.')) {
    if (typeof at !== 'object' || at === null || Array.isArray(at) || !Object.hasOwn(at, name)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return at;
}

function joined(list: readonly unknown[], path: string): string {
  const members = list.map((member) => encoded(member, path));
  if (members.some((member) => member.includes(',') || member === '')) {
    throw new Problem('token_claim_unsafe', `a member of the claim ${path} is empty or has a comma`);
  }
  return members.join(',');
}

function encoded(value: unknown, path: string): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') {
    throw new Problem(
      'token_claim_unsafe',
      `the claim ${path} is neither text, a number, a boolean nor a list of them`,
    );
  }
  if (value.length > MAX_BYTES) {
    throw new Problem('token_claim_unsafe', `the claim ${path} is longer than ${MAX_BYTES} bytes as a header`);
  }
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\u0000-\u001f\u007f]/.test(value) || !value.isWellFormed() || value !== value.trim()) {
    throw new Problem('token_claim_unsafe', `the claim ${path} has a control character or outer white space`);
  }
  return value.replaceAll(/[^\x20-\x24\x26-\x7e]+/g, (text) => encodeURIComponent(text));
}

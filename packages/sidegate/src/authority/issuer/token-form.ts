/**
 * The parameters of a token request: `application/x-www-form-urlencoded` (RFC 6749 appendix B), read strictly.
 * What URLSearchParams would repair (bad percent-encoding, bad UTF-8, repeated names) is refused.
 */
import { OAuthError } from './oauth-error.ts';

/** Parameters by name; one sent without a value counts as not sent (RFC 6749 section 3.2). */
export type TokenForm = ReadonlyMap<string, string>;

export const MAX_PARAMETERS = 32;

/** @throws OAuthError `invalid_request` */
export function parseTokenForm(contentType: string | undefined, body: Buffer): TokenForm {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType ?? '')) {
    throw new OAuthError('invalid_request', 'the body must be application/x-www-form-urlencoded');
  }
  const pairs = body.length === 0 ? [] : body.toString('latin1').split('&');
  if (pairs.length > MAX_PARAMETERS) throw new OAuthError('invalid_request', 'too many parameters');
  const seen = new Set<string>();
  const form = new Map<string, string>();
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    if (seen.has(name)) throw new OAuthError('invalid_request', 'a parameter is repeated');
    seen.add(name);
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1));
    if (value !== '') form.set(name, value);
  }
  return form;
}

/** One name or value of the form encoding; also what HTTP Basic credentials are made of (RFC 6749 section 2.3.1). */
export function decodeFormComponent(text: string): string | undefined {
  if (/^[\w.~*-]*$/.test(text)) return text;
  // oxlint-disable-next-line no-control-regex -- control characters are what must not pass
  if (/[^\x20-\x7e]/.test(text)) return undefined;
  try {
    const value = decodeURIComponent(text.replaceAll('+', ' '));
    // oxlint-disable-next-line no-control-regex -- the same, decoded
    return /[\x00-\x1f\x7f]/.test(value) ? undefined : value;
  } catch {
    return undefined;
  }
}

function decode(text: string): string {
  const value = decodeFormComponent(text);
  if (value === undefined) throw new OAuthError('invalid_request', 'a parameter is not well encoded');
  return value;
}

/** What a form names to be revoked, and until when that has to be remembered. */
import { type JsonObject, MAX_REVOKED_CHARACTERS, parseSpiffeId, type Revocation, SpiffeIdError } from '@sidegate/sdk';
import { OAuthError } from './oauth-error.ts';
import { type OwnTokens, readOwnToken } from './own-token.ts';
import type { TokenForm } from './token-form.ts';

/** The largest tolerance of those who verify tokens: a token is accepted no later than that behind its `exp`. */
const MAX_CLOCK_SKEW_SECONDS = 60;
const MAX_EXPIRES_IN_SECONDS = 10 * 366 * 24 * 3600;

const SELECTORS = ['token', 'jti', 'client', 'subject', 'spiffe_id'] as const;

/** @param claims of a token that was verified */
export function tokenRevocation({ jti, exp }: JsonObject): Revocation {
  if (typeof jti !== 'string' || typeof exp !== 'number') throw new Error('a token of ours without jti or exp');
  return { kind: 'jti', value: jti, issuedUntil: undefined, endsAt: Math.ceil(exp) + MAX_CLOCK_SKEW_SECONDS };
}

/**
 * A single token ends with its `exp`. Whoever is named otherwise gets nothing any more until that is lifted, or with
 * `only_issued` loses what was issued to them so far.
 *
 * @throws OAuthError `invalid_request`, as a rejection
 */
export async function readRevocable(form: TokenForm, own: OwnTokens): Promise<Revocation> {
  const [selector, another] = SELECTORS.filter((name) => form.has(name));
  if (selector === undefined || another !== undefined) throw refused(`name one of ${SELECTORS.join(', ')}`);
  const value = form.get(selector) ?? '';
  const now = Math.floor(own.clock.now() / 1000);
  if (selector === 'token') {
    const claims = await readOwnToken(value, own);
    if (claims === undefined) throw refused('the token is none of this realm that still counts');
    return tokenRevocation(claims);
  }
  if (value.length > MAX_REVOKED_CHARACTERS)
    throw refused(`the name is longer than ${MAX_REVOKED_CHARACTERS} characters`);
  const endsAt = readEnd(form, now);
  const longestLife = now + own.realm.longestLifetimeSeconds + MAX_CLOCK_SKEW_SECONDS;
  if (selector === 'jti') return { kind: 'jti', value, issuedUntil: undefined, endsAt: endsAt ?? longestLife };
  if (selector === 'spiffe_id') requireSpiffeId(value);
  const issuedUntil = readOnlyIssued(form) ? now : undefined;
  // A subject has tokens only; clients and workloads also have certificates, and how long these live others decide.
  const ends = endsAt ?? (selector === 'subject' && issuedUntil !== undefined ? longestLife : undefined);
  return { kind: selector, value, issuedUntil, endsAt: ends };
}

function readEnd(form: TokenForm, now: number): number | undefined {
  const text = form.get('expires_in');
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (/^\d{1,9}$/.test(text) && seconds > 0 && seconds <= MAX_EXPIRES_IN_SECONDS) return now + seconds;
  throw refused('expires_in is a number of seconds, at most ten years');
}

function readOnlyIssued(form: TokenForm): boolean {
  const text = form.get('only_issued') ?? 'false';
  if (text === 'true' || text === 'false') return text === 'true';
  throw refused('only_issued is true or false');
}

function requireSpiffeId(value: string): void {
  try {
    parseSpiffeId(value);
  } catch (error) {
    if (error instanceof SpiffeIdError) throw refused(`spiffe_id: ${error.message}`);
    throw error;
  }
}

function refused(description: string): OAuthError {
  return new OAuthError('invalid_request', description);
}

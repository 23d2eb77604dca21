/**
 * Tokens that were exchanged for those of others, each for its own: whoever shows the same token again gets the same one, asked for once
 * however many wait, and nobody ever gets one that came of another's token.
 */
import { hash } from 'node:crypto';
import type { Clock, Random } from '../ports.ts';
import type { Problem } from '../problem.ts';
import { AccessToken } from './access-token.ts';
import { readJwtExpiry } from './token-response.ts';
import { createTokenSource, type TokenSource } from './token-source.ts';

export interface ExchangedTokensOptions {
  /** Asks the issuer once; see {@link exchangeToken}. */
  readonly exchange: (subjectToken: string) => Promise<AccessToken>;
  readonly clock: Clock;
  readonly random: Random;
  readonly refreshBeforeExpirySeconds?: number;
  /** 10,000 by default; the one used longest ago leaves first. */
  readonly maxSubjects?: number;
  /** Told about every request for a token. */
  readonly onRefresh?: (failure: Problem | undefined) => void;
}

export interface ExchangedTokens {
  /**
   * At once where it is known. It never outlives the token that it came of.
   *
   * @param part tells apart what must not share a token although it came of the same one
   * @throws Problem `idp_unavailable`, `idp_bad_response`, as a rejection
   */
  token(subjectToken: string, part?: string): AccessToken | Promise<AccessToken>;
  /** Somebody did not accept what it was exchanged for; see {@link TokenSource.refused}. */
  refused(subjectToken: string, token: string, part?: string): void;
  close(): void;
}

interface Entry {
  readonly source: TokenSource;
  /** Monotonic milliseconds. */
  usedAt: number;
}

/** What nobody has asked for since then is forgotten when others come. */
const FORGOTTEN_AFTER_MS = 10 * 60_000;

export function createExchangedTokens(options: ExchangedTokensOptions): ExchangedTokens {
  const { exchange, clock, random, refreshBeforeExpirySeconds, maxSubjects = 10_000, onRefresh } = options;
  /** Least recently used first, by digest, so that no token of a caller lies here. */
  const entries = new Map<string, Entry>();
  return {
    token(subjectToken, part = '') {
      const key = keyOf(subjectToken, part);
      const entry = entries.get(key) ?? { source: sourceFor(subjectToken), usedAt: 0 };
      entry.usedAt = clock.monotonic();
      entries.delete(key);
      entries.set(key, entry);
      forgetOthers();
      return entry.source.token();
    },
    refused(subjectToken, token, part = '') {
      entries.get(keyOf(subjectToken, part))?.source.refused(token);
    },
    close() {
      for (const { source } of entries.values()) source.close();
      entries.clear();
    },
  };

  function sourceFor(subjectToken: string): TokenSource {
    const expiry = readJwtExpiry(subjectToken);
    const endsAt = expiry === undefined ? Number.POSITIVE_INFINITY : expiry * 1000;
    return createTokenSource({
      obtain: async () => endingWith(await exchange(subjectToken), endsAt),
      clock,
      random,
      ...(refreshBeforeExpirySeconds === undefined ? {} : { refreshBeforeExpirySeconds }),
      ...(onRefresh === undefined ? {} : { onRefresh }),
    });
  }

  function forgetOthers(): void {
    const staleBefore = clock.monotonic() - FORGOTTEN_AFTER_MS;
    for (const [key, { source, usedAt }] of entries) {
      if (entries.size <= maxSubjects && usedAt >= staleBefore) return;
      source.close();
      entries.delete(key);
    }
  }
}

const keyOf = (subjectToken: string, part: string): string =>
  hash('sha256', `${part.length}:${part}${subjectToken}`, 'base64url');

function endingWith(token: AccessToken, endsAt: number): AccessToken {
  if (token.expiresAt <= endsAt) return token;
  const { scopes, issuedScope } = token;
  return new AccessToken(token.reveal(), { expiresAt: endsAt, scopes, issuedScope });
}

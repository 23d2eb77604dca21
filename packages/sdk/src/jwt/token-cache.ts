/**
 * Verified tokens, remembered until they expire or their key goes: a signature is checked once, not at each request.
 *
 * A cache serves exactly one verifier, so what one configuration accepted cannot be found by another. It finds a token by
 * its digest, and those that come all the time by their text, which spares the digest.
 */
import { hash } from 'node:crypto';
import type { Clock } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { TokenVerifier, VerifiedToken } from './verify.ts';

export interface TokenCacheOptions {
  readonly clock: Clock;
  /** 10,000 by default; the one used longest ago leaves first. Up to 4,096 more are found by their text. */
  readonly maxTokens?: number;
}

interface Entry {
  readonly token: VerifiedToken;
  /** On the monotonic clock, which no one can set back. */
  readonly acceptedUntilMonotonic: number;
  /** Once over, always over. */
  over: boolean;
}

/** One of the tokens that come all the time. */
interface Recent {
  /** A copy: as sent it would keep the caller's whole header block alive. */
  readonly text: string;
  readonly entry: Entry;
}

/** Places for recent tokens; the end of a signature says which, so that they spread evenly. */
const RECENT = 4096;

/** The same verifier with a memory for successes; refusals are judged anew each time. */
export function cacheTokens(verifier: TokenVerifier, { clock, maxTokens = 10_000 }: TokenCacheOptions): TokenVerifier {
  /** Least recently used first. */
  const entries = new Map<string, Entry>();
  const recent: (Recent | undefined)[] = Array.from({ length: RECENT });
  return {
    verify(text) {
      const place = placeOf(text);
      const seen = recent[place];
      if (seen?.text === text && !isOver(seen.entry) && verifier.isCurrent(seen.entry.token)) return seen.entry.token;
      const key = hash('sha256', text, 'base64url');
      const entry = entries.get(key);
      if (entry !== undefined) {
        entries.delete(key);
        if (isOver(entry)) {
          // INVARIANT: it stays, as over, so that a clock that is set back cannot revive it.
          entries.set(key, entry);
          throw new Problem('token_expired', 'expired since it was first presented');
        }
        if (verifier.isCurrent(entry.token)) {
          entries.set(key, entry);
          recent[place] = { text: Buffer.from(text, 'latin1').toString('latin1'), entry };
          return entry.token;
        }
      }
      const verified = verifier.verify(text);
      return verified instanceof Promise ? verified.then((token) => remember(key, token)) : remember(key, verified);
    },
    remembers(text) {
      const entry = entries.get(hash('sha256', text, 'base64url'));
      return entry !== undefined && !isOver(entry) && verifier.isCurrent(entry.token);
    },
    isCurrent: (token) => verifier.isCurrent(token),
    close() {
      entries.clear();
      recent.fill(undefined);
      verifier.close();
    },
  };

  function placeOf(text: string): number {
    const end = text.length;
    return (text.charCodeAt(end - 2) * 4_027 + text.charCodeAt(end - 3) * 61 + text.charCodeAt(end - 4)) % RECENT;
  }

  function isOver(entry: Entry): boolean {
    entry.over ||= clock.now() >= entry.token.acceptedUntil * 1000 || clock.monotonic() >= entry.acceptedUntilMonotonic;
    return entry.over;
  }

  function remember(key: string, token: VerifiedToken): VerifiedToken {
    const remainingMs = token.acceptedUntil * 1000 - clock.now();
    entries.delete(key);
    entries.set(key, { token, acceptedUntilMonotonic: clock.monotonic() + remainingMs, over: false });
    for (const oldest of entries.keys()) {
      if (entries.size <= maxTokens) break;
      entries.delete(oldest);
    }
    return token;
  }
}

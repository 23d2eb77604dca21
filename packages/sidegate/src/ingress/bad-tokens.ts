/**
 * A signature costs as much as a hundred warm requests, and whoever sends bad ones pays nothing. Beyond a thousand a second a caller gets no
 * further token looked at, except those that are known to be good.
 */
import { Problem, type TokenVerifier, type VerifiedToken } from '@sidegate/sdk';
import { TokenBuckets } from '../net/token-buckets.ts';

const RATE = { perSecond: 1_000, burst: 1_000 } as const;
/** A bucket is full again by then, so that nobody has to be looked up. */
const FULL_AFTER_MS = 1_000;

export class BadTokens {
  readonly #buckets: TokenBuckets;
  readonly #monotonic: () => number;
  /** The last bad token came less than a second before that. */
  #watchUntil = Number.NEGATIVE_INFINITY;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
    this.#buckets = new TokenBuckets({ rate: RATE, monotonic });
  }

  /**
   * @param caller who is counted; asked for only when somebody sends bad tokens
   * @throws Problem `rate_limited`, and what the verifier throws, at once or as a rejection
   */
  verify(token: string, verifier: TokenVerifier, caller: () => string): VerifiedToken | Promise<VerifiedToken> {
    if (this.#monotonic() < this.#watchUntil) this.#refuseSpent(token, verifier, caller());
    return this.#counted(() => verifier.verify(token), caller);
  }

  /**
   * Counts what comes with a token like the token itself.
   *
   * @throws Problem `rate_limited`, and what the check throws, at once or as a rejection
   */
  guard<T>(check: () => T, caller: () => string): T {
    if (this.#monotonic() < this.#watchUntil) this.#refuse(this.#buckets.wait(caller()));
    return this.#counted(check, caller);
  }

  #counted<T>(check: () => T, caller: () => string): T {
    try {
      const checked = check();
      if (!(checked instanceof Promise)) return checked;
      return checked.catch((error: unknown) => this.#count(error, caller())) as T;
    } catch (error) {
      return this.#count(error, caller());
    }
  }

  #refuseSpent(token: string, verifier: TokenVerifier, caller: string): void {
    const waitMs = this.#buckets.wait(caller);
    if (waitMs > 0 && !verifier.remembers(token)) this.#refuse(waitMs);
  }

  #refuse(waitMs: number): void {
    if (waitMs === 0) return;
    throw new Problem('rate_limited', 'more bad tokens than one caller may send', { retryAfterSeconds: waitMs / 1000 });
  }

  /** What is our own trouble counts for nobody. */
  #count(error: unknown, caller: string): never {
    if (error instanceof Problem && error.row.source === 'downstream') {
      this.#buckets.take(caller);
      this.#watchUntil = this.#monotonic() + FULL_AFTER_MS;
    }
    throw error;
  }
}

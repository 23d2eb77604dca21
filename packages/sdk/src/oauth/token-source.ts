/**
 * A token that is always fresh: cached in memory, renewed in the background before it expires, asked for once
 * however many callers wait. Fails closed: past its expiry a token is never given out, whatever the endpoint does.
 */
import type { Clock, Random } from '../ports.ts';
import { asProblem, Problem } from '../problem.ts';
import type { AccessToken } from './access-token.ts';

export interface TokenSourceOptions {
  /** Asks the issuer once; see {@link obtainToken}. `refused` is the token that somebody does not accept, where one is asked for in its place. */
  readonly obtain: (refused?: string) => Promise<AccessToken>;
  readonly clock: Clock;
  /** So that replicas do not ask in step. */
  readonly random: Random;
  /** Default 60; a token is never renewed before half of its life. */
  readonly refreshBeforeExpirySeconds?: number;
  /** Told about every request for a token: a failed renewal has no caller who would notice. */
  readonly onRefresh?: (failure: Problem | undefined) => void;
}

export interface TokenSource {
  /**
   * The cached token at once, or a promise of one.
   * The promise rejects with Problem `idp_unavailable` or `idp_bad_response`.
   */
  token(): AccessToken | Promise<AccessToken>;
  /**
   * Somebody did not accept this token: if it is still the one that is held, the next call asks for another.
   * Not more often than every five seconds, so that a target that refuses everything does not become a flood at the issuer.
   */
  refused(token: string): void;
  /** Forgets the token and asks for no other. */
  close(): void;
}

/** A token and the monotonic times that matter, so that a clock set back prolongs nothing. */
interface Held {
  readonly token: AccessToken;
  readonly refreshAt: number;
  readonly expiresAt: number;
}

interface Failure {
  readonly problem: Problem;
  readonly count: number;
  /** Monotonic milliseconds; nothing is asked before. */
  readonly retryAt: number;
}

const REFRESH_BEFORE_EXPIRY_SECONDS = 60;
const MIN_BACKOFF_MS = 5_000;
const MAX_BACKOFF_MS = 30_000;
const MIN_BETWEEN_REFUSALS_MS = 5_000;

/**
 * Keeps one token fresh.
 *
 * @example
 * ```ts
 * const grant = {
 *   tokenUrl: 'https://idp.example.com/realms/services/protocol/openid-connect/token',
 *   clientId: 'order-service',
 *   authentication: {
 *     method: 'client_secret_post' as const,
 *     secret: { reveal: () => process.env['ORDER_SERVICE_CLIENT_SECRET'] ?? '' },
 *   },
 *   scopes: ['data-service:read'],
 * };
 * const source = createTokenSource({ obtain: () => obtainToken(grant, { http, clock }), clock, random });
 * const { scopes } = await source.token();
 * ```
 */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const { obtain, clock, random, onRefresh } = options;
  const refreshBeforeMs = (options.refreshBeforeExpirySeconds ?? REFRESH_BEFORE_EXPIRY_SECONDS) * 1000;
  let held: Held | undefined;
  let failure: Failure | undefined;
  let pending: Promise<AccessToken> | undefined;
  let closed = false;
  let refusedAt = Number.NEGATIVE_INFINITY;
  let refused: string | undefined;

  const token = (): AccessToken | Promise<AccessToken> => {
    if (closed) return Promise.reject(new Problem('not_ready', 'this token source is closed'));
    const elapsed = clock.monotonic();
    if (held === undefined || elapsed >= held.expiresAt || clock.now() >= held.token.expiresAt) return renew(elapsed);
    // The failure of a renewal is kept and reported by `fail`; the old token still serves.
    if (elapsed >= held.refreshAt) renew(elapsed).catch(() => undefined);
    return held.token;
  };

  const renew = (elapsed: number): Promise<AccessToken> => {
    if (pending !== undefined) return pending;
    if (failure !== undefined && elapsed < failure.retryAt) return Promise.reject(repeated(failure, elapsed));
    const startedAt = { wall: clock.now(), elapsed };
    pending = obtain(refused)
      .then((received) => keep(received, startedAt), fail)
      .finally(() => {
        pending = undefined;
      });
    return pending;
  };

  const keep = (received: AccessToken, startedAt: { readonly wall: number; readonly elapsed: number }): AccessToken => {
    const lifeMs = received.expiresAt - startedAt.wall;
    const earlyMs = Math.min(refreshBeforeMs * (1 + random() / 5), lifeMs / 2);
    const expiresAt = startedAt.elapsed + lifeMs;
    if (!closed) held = { token: received, refreshAt: expiresAt - earlyMs, expiresAt };
    failure = undefined;
    refused = undefined;
    onRefresh?.(undefined);
    return received;
  };

  const fail = (error: unknown): never => {
    const problem = asProblem(error);
    const count = (failure?.count ?? 0) + 1;
    const backoffMs = Math.min(MIN_BACKOFF_MS * 2 ** (count - 1), MAX_BACKOFF_MS) * (1 + random() / 2);
    const waitMs = Math.max(backoffMs, (problem.retryAfterSeconds ?? 0) * 1000);
    failure = { problem, count, retryAt: clock.monotonic() + waitMs };
    onRefresh?.(problem);
    throw problem;
  };

  return {
    token,
    refused(value) {
      const elapsed = clock.monotonic();
      if (held?.token.reveal() !== value || elapsed - refusedAt < MIN_BETWEEN_REFUSALS_MS) return;
      refusedAt = elapsed;
      refused = value;
      held = undefined;
    },
    close: () => {
      closed = true;
      held = undefined;
    },
  };
}

/** The same refusal for those who come before the next attempt, with the time that is left. */
function repeated({ problem, retryAt }: Failure, elapsed: number): Problem {
  const retryAfterSeconds = Math.ceil((retryAt - elapsed) / 1000);
  return new Problem(problem.code, problem.message, { cause: problem, retryAfterSeconds });
}

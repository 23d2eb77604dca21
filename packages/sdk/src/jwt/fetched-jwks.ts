/**
 * The keys of one issuer, fetched at start and then at an interval, and once more when a token names an unknown key.
 *
 * A failed fetch never takes keys away. What strangers send cannot make us fetch more than once per cooldown, however
 * many keys they invent, and everybody who waits shares one fetch.
 */

import type { Clock, Random, Schedule } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { KeyUse } from './jwks.ts';
import type { JwksLoader } from './jwks-loader.ts';
import { type JwksSource, type JwksState, NO_KEYS_YET, nextJwksState } from './jwks-source.ts';

export interface FetchedJwksOptions {
  readonly load: JwksLoader;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly random: Random;
  /** 3600 by default, at least 1; a removed key is trusted for that long at most. */
  readonly refreshIntervalSeconds?: number;
  /** `sig` by default. */
  readonly use?: KeyUse;
  /** Called after every attempt, for logs and metrics; must not throw. */
  readonly onAttempt?: (state: JwksState) => void;
}

const UNKNOWN_KID_COOLDOWN_MS = 30_000;
/** Without any key nothing works, so it is tried often: back within five seconds of the issuer's return. */
const FIRST_LOAD_BACKOFF = { firstMs: 250, maxMs: 4_000 };
/** With keys there is time, and a failing issuer is spared. */
const REFRESH_BACKOFF = { firstMs: 5_000, maxMs: 60_000 };

/** A source that begins to load at once. */
export function createFetchedJwks(options: FetchedJwksOptions): JwksSource {
  const { load, clock, schedule, random, refreshIntervalSeconds = 3600, use, onAttempt } = options;
  if (!(refreshIntervalSeconds >= 1)) throw new RangeError('refreshIntervalSeconds must be at least 1');
  let state: JwksState = NO_KEYS_YET;
  let failures = 0;
  let inFlight: Promise<void> | undefined;
  let cancelNext = (): void => {};
  let nextAttemptAt = 0;
  let cooldownUntil = -Infinity;
  let closed = false;

  void refresh();
  return {
    current: () => state.keySet,
    refreshFor(kid) {
      if (state.keySet === undefined) return awaitFirstKeys();
      if (kid === undefined || state.keySet.byKid.has(kid) || closed) return undefined;
      if (inFlight !== undefined) return inFlight;
      if (clock.monotonic() < cooldownUntil) return undefined;
      cooldownUntil = clock.monotonic() + UNKNOWN_KID_COOLDOWN_MS;
      return refresh().then(() => {
        // The issuer does have it: no stranger invented it, and its next new key need not wait.
        if (state.keySet?.byKid.has(kid) === true) cooldownUntil = -Infinity;
      });
    },
    state: () => state,
    close() {
      closed = true;
      cancelNext();
    },
  };

  function awaitFirstKeys(): Promise<void> {
    if (inFlight === undefined) throw unavailable();
    return inFlight.then(() => {
      if (state.keySet === undefined) throw unavailable();
    });
  }

  function unavailable(): Problem {
    const retryAfterSeconds = Math.max(1, Math.ceil((nextAttemptAt - clock.monotonic()) / 1000));
    return new Problem('jwks_unavailable', `no keys: ${state.failure}`, { retryAfterSeconds });
  }

  /** Never rejects; callers look at the state. */
  function refresh(): Promise<void> {
    inFlight ??= attempt();
    return inFlight;
  }

  async function attempt(): Promise<void> {
    cancelNext();
    const next = await nextState();
    inFlight = undefined;
    if (closed) return;
    state = next;
    failures = state.failure === undefined ? 0 : failures + 1;
    const delayMs = nextDelayMs();
    nextAttemptAt = clock.monotonic() + delayMs;
    cancelNext = schedule(delayMs, () => void refresh());
    onAttempt?.(state);
  }

  async function nextState(): Promise<JwksState> {
    try {
      return nextJwksState(state, await load(), use);
    } catch (error) {
      return { ...state, failure: error instanceof Error ? error.message : String(error) };
    }
  }

  function nextDelayMs(): number {
    // Always earlier than the interval, never later: replicas that started together drift apart.
    if (failures === 0) return refreshIntervalSeconds * 1000 * (1 - random() / 10);
    const { firstMs, maxMs } = state.keySet === undefined ? FIRST_LOAD_BACKOFF : REFRESH_BACKOFF;
    const delayMs = Math.min(maxMs, firstMs * 2 ** (failures - 1));
    return delayMs * (1 + random() / 8);
  }
}

/** What many processes remember together, in a Redis: whoever comes first writes the key, and only one can. */
import { createHash } from 'node:crypto';
import type { Clock } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { ReplayStore } from './replay-store.ts';

export interface RedisReplayOptions {
  /** One command and its answer; rejects when there is none in time. */
  readonly command: (command: readonly string[]) => Promise<unknown>;
  readonly keyPrefix: string;
  readonly clock: Pick<Clock, 'now'>;
}

/** Fails closed: while Redis is away nothing is a first use. It must not evict (`maxmemory-policy noeviction`). */
export function redisReplayStore({ command, keyPrefix, clock }: RedisReplayOptions): ReplayStore {
  return {
    async firstUse(id, expiresAtMs) {
      const key = `${keyPrefix}${createHash('sha256').update(id).digest('base64url')}`;
      const lifeMs = Math.max(1, Math.ceil(expiresAtMs - clock.now()));
      let answer: unknown;
      try {
        answer = await command(['SET', key, '1', 'NX', 'PX', String(lifeMs)]);
      } catch (cause) {
        const isFull = cause instanceof Error && cause.message.startsWith('OOM ');
        const code = isFull ? 'replay_store_full' : 'replay_store_unavailable';
        throw new Problem(code, isFull ? 'Redis has no memory left' : 'Redis did not answer', { cause });
      }
      return answer === 'OK';
    },
  };
}

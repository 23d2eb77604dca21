/** What many processes remember together, in a Redis: whoever comes first writes the key, and only one can. */
import { createHash } from 'node:crypto';
import type { Clock } from '../ports.ts';
import { askingRedis, type RedisCommand } from './redis-command.ts';
import type { ReplayStore } from './replay-store.ts';

export interface RedisReplayOptions {
  readonly command: RedisCommand;
  readonly keyPrefix: string;
  readonly clock: Pick<Clock, 'now'>;
}

/** Fails closed: while Redis is away nothing is a first use. It must not evict (`maxmemory-policy noeviction`). */
export function redisReplayStore({ command, keyPrefix, clock }: RedisReplayOptions): ReplayStore {
  const ask = askingRedis(command);
  return {
    async firstUse(id, expiresAtMs) {
      const key = `${keyPrefix}${createHash('sha256').update(id).digest('base64url')}`;
      const lifeMs = Math.max(1, Math.ceil(expiresAtMs - clock.now()));
      return (await ask(['SET', key, '1', 'NX', 'PX', String(lifeMs)])) === 'OK';
    },
  };
}

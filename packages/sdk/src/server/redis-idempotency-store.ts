/** Commands that many processes remember together, in a Redis: whoever comes first writes the key, and only one can. */
import type { Clock } from '../ports.ts';
import { askingRedis, type RedisCommand } from '../replay/redis-command.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { type CommandRun, type IdempotencyStore, type KeyState, stateOf } from './idempotency.ts';

export interface RedisIdempotencyOptions {
  readonly command: RedisCommand;
  /** What every key begins with. */
  readonly keyPrefix: string;
  readonly clock?: Pick<Clock, 'now'>;
}

/** A run ends its own entry alone, and never one that began after it had expired. */
const FINISH = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL') end`;
const ABANDON = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end`;

/**
 * Fails closed: while Redis is away no command runs. It must not evict (`maxmemory-policy noeviction`).
 *
 * @example
 * ```ts
 * import { createIdempotency, redisIdempotencyStore } from '@sidegate/sdk/server';
 *
 * declare const redis: { sendCommand(words: string[]): Promise<unknown> };
 * const store = redisIdempotencyStore({ command: (words) => redis.sendCommand([...words]), keyPrefix: 'payments:' });
 * const once = createIdempotency({ store });
 * ```
 */
export function redisIdempotencyStore(options: RedisIdempotencyOptions): IdempotencyStore {
  const { command, keyPrefix, clock = systemRuntime().clock } = options;
  const ask = askingRedis(command);
  const end = async (script: string, run: CommandRun, ...ended: readonly string[]): Promise<void> => {
    await ask(['EVAL', script, '1', `${keyPrefix}${run.id}`, running(run), ...ended]);
  };
  return {
    async begin(run) {
      const key = `${keyPrefix}${run.id}`;
      const lifeMs = Math.max(1, Math.ceil(run.expiresAtMs - clock.now()));
      const begun = await ask(['SET', key, running(run), 'NX', 'PX', String(lifeMs)]);
      if (begun === 'OK') return { state: 'new' };
      return readState(await ask(['GET', key]), run);
    },
    finish: (run, result) => end(FINISH, run, `${run.fingerprint} done ${result}`),
    abandon: (run) => end(ABANDON, run),
  };
}

const running = ({ fingerprint, expiresAtMs }: CommandRun): string => `${fingerprint} running ${expiresAtMs}`;

function readState(known: unknown, run: CommandRun): KeyState {
  const [, fingerprint, done] =
    typeof known === 'string' ? (/^(\S+) (?:done (.*)|running \d+)$/s.exec(known) ?? []) : [];
  // Gone meanwhile: it failed just now, and its caller may try again. Or nothing of ours: nobody knows what became of it.
  return fingerprint === undefined ? { state: 'running' } : stateOf(fingerprint, done, run);
}

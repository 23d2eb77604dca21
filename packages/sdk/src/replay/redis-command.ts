/** The Redis of a store that replicas share, by whatever client its owner has. */
import { Problem } from '../problem.ts';

/** One command and its answer; rejects when there is none in time. */
export type RedisCommand = (command: readonly string[]) => Promise<unknown>;

/** Asks, or rejects with Problem `replay_store_full` or `replay_store_unavailable`. */
export function askingRedis(command: RedisCommand): RedisCommand {
  return async (words) => {
    try {
      return await command(words);
    } catch (cause) {
      const isFull = cause instanceof Error && cause.message.startsWith('OOM ');
      const code = isFull ? 'replay_store_full' : 'replay_store_unavailable';
      throw new Problem(code, isFull ? 'Redis has no memory left' : 'Redis did not answer', { cause });
    }
  };
}

/** Commands that one process remembers by itself: another replica does not know of them. */
import type { Clock } from '../ports.ts';
import { Problem } from '../problem.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import type { IdempotencyStore } from './idempotency.ts';

export interface MemoryIdempotencyOptions {
  /** Commands at once; with as many unexpired ones a new one is refused. */
  readonly maxEntries: number;
  readonly clock?: Pick<Clock, 'now'>;
}

interface Entry {
  readonly fingerprint: string;
  readonly expiresAtMs: number;
  /** Undefined: it is running. */
  result: string | undefined;
}

/** Live entries are never forgotten to make room. */
export function memoryIdempotencyStore(options: MemoryIdempotencyOptions): IdempotencyStore {
  const { maxEntries, clock = systemRuntime().clock } = options;
  const entries = new Map<string, Entry>();

  const makeRoom = (): void => {
    if (entries.size < maxEntries) return;
    for (const [id, { expiresAtMs }] of entries) if (expiresAtMs <= clock.now()) entries.delete(id);
    if (entries.size >= maxEntries) throw new Problem('replay_store_full', `${maxEntries} commands are remembered`);
  };

  return {
    begin(id, fingerprint, expiresAtMs) {
      const entry = entries.get(id);
      if (entry !== undefined && entry.expiresAtMs > clock.now()) {
        if (entry.fingerprint !== fingerprint) return { state: 'reused' };
        return entry.result === undefined ? { state: 'running' } : { state: 'done', result: entry.result };
      }
      entries.delete(id);
      makeRoom();
      entries.set(id, { fingerprint, expiresAtMs, result: undefined });
      return { state: 'new' };
    },
    finish(id, result) {
      const entry = entries.get(id);
      if (entry !== undefined) entry.result = result;
    },
    abandon: (id) => void entries.delete(id),
  };
}

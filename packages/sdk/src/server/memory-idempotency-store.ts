/** Commands that one process remembers by itself: another replica does not know of them. */
import type { Clock } from '../ports.ts';
import { Problem } from '../problem.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { type CommandRun, type IdempotencyStore, stateOf } from './idempotency.ts';

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

  /** The entry of this run, and of no other. */
  const of = ({ id, expiresAtMs }: CommandRun): Entry | undefined => {
    const entry = entries.get(id);
    return entry?.expiresAtMs === expiresAtMs ? entry : undefined;
  };
  const makeRoom = (): void => {
    if (entries.size < maxEntries) return;
    for (const [id, { expiresAtMs }] of entries) if (expiresAtMs <= clock.now()) entries.delete(id);
    if (entries.size >= maxEntries) throw new Problem('replay_store_full', `${maxEntries} commands are remembered`);
  };

  return {
    begin(run) {
      const { id, fingerprint, expiresAtMs } = run;
      const entry = entries.get(id);
      if (entry !== undefined && entry.expiresAtMs > clock.now()) return stateOf(entry.fingerprint, entry.result, run);
      entries.delete(id);
      makeRoom();
      entries.set(id, { fingerprint, expiresAtMs, result: undefined });
      return { state: 'new' };
    },
    finish(run, result) {
      const entry = of(run);
      if (entry !== undefined) entry.result = result;
    },
    abandon(run) {
      if (of(run) !== undefined) entries.delete(run.id);
    },
  };
}

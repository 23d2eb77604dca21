/** One process remembers by itself: what it has seen is gone when it ends, and other replicas do not know of it. */
import { createHash } from 'node:crypto';
import type { Clock } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { ReplayStore } from './replay-store.ts';

export interface MemoryReplayOptions {
  /** Entries at once, some 100 bytes each whatever the length of an id. */
  readonly maxEntries: number;
  readonly clock: Pick<Clock, 'now'>;
}

export interface MemoryReplayStore extends ReplayStore {
  firstUse(id: string, expiresAtMs: number): boolean;
  readonly size: number;
}

const SLOT_MS = 1_000;

export function memoryReplayStore({ maxEntries, clock }: MemoryReplayOptions): MemoryReplayStore {
  const seen = new Set<string>();
  /** Second of expiry → what is forgotten after it. */
  const slots = new Map<number, string[]>();
  let sweptSlot = Math.floor(clock.now() / SLOT_MS);

  const sweep = (): void => {
    const slot = Math.floor(clock.now() / SLOT_MS);
    if (slot <= sweptSlot) return;
    sweptSlot = slot;
    for (const [second, entries] of slots) {
      if (second >= slot) continue;
      for (const entry of entries) seen.delete(entry);
      slots.delete(second);
    }
  };

  return {
    firstUse: (id, expiresAtMs) => {
      sweep();
      const entry = fingerprint(id);
      if (seen.has(entry)) return false;
      if (seen.size >= maxEntries) throw new Problem('replay_store_full', `${maxEntries} identifiers are remembered`);
      const second = Math.max(Math.floor(expiresAtMs / SLOT_MS), sweptSlot);
      seen.add(entry);
      const slot = slots.get(second);
      if (slot === undefined) slots.set(second, [entry]);
      else slot.push(entry);
      return true;
    },
    get size() {
      return seen.size;
    },
  };
}

/** 128 bits: two ids that a caller can find to collide would cost it 2⁶⁴ tries, and get it a refusal. */
function fingerprint(id: string): string {
  return createHash('sha256').update(id).digest('latin1').slice(0, 16);
}

/** Where the revocations of a realm are kept, and in which order they came. */
import { randomBytes } from 'node:crypto';
import type { RevocationChange } from '@sidegate/sdk';

/** A change with its place in the history. */
export interface StoredChange {
  readonly sequence: number;
  readonly change: RevocationChange;
}

export interface RevocationStore {
  /** Names this history: places of another one mean nothing here. */
  readonly epoch: string;
  /** Resolves when all of them are kept; rejects when none is. */
  append(changes: readonly RevocationChange[]): Promise<void>;
  /** What was last said about each name behind that place, in order; at most `limit`. */
  since(sequence: number, limit: number): Promise<readonly StoredChange[]>;
}

/** For one process, until it ends. */
export function memoryRevocationStore(): RevocationStore {
  let last = 0;
  let kept: StoredChange[] = [];
  return {
    epoch: randomBytes(16).toString('base64url'),
    append: async (changes) => {
      for (const change of changes) {
        last += 1;
        kept.push({ sequence: last, change });
      }
    },
    since: async (sequence, limit) => {
      // Whoever asks has what was before.
      kept = kept.filter((change) => change.sequence > sequence);
      return kept.slice(0, limit);
    },
  };
}

/** What may be used once, known to all replicas and after a restart. */
import { createHash } from 'node:crypto';
import { type Clock, Problem, type ReplayStore } from '@sidegate/sdk';
import type { Queries } from './database.ts';

export interface StoredReplays extends ReplayStore {
  firstUse(id: string, expiresAtMs: number): Promise<boolean>;
  /** As of the last sweep, and what this process added since. */
  readonly entries: number;
  /** Forgets what has expired and counts what is left; to be run every few seconds. */
  sweep(): Promise<void>;
}

export interface StoredReplaysOptions {
  readonly database: Queries;
  readonly maxEntries: number;
  readonly clock: Pick<Clock, 'now'>;
}

export function storedReplays({ database, maxEntries, clock }: StoredReplaysOptions): StoredReplays {
  let entries = 0;
  return {
    get entries() {
      return entries;
    },
    firstUse: async (id, expiresAtMs) => {
      const key = createHash('sha256').update(id).digest('base64url');
      if (entries >= maxEntries) {
        const known = await database.query('SELECT id FROM replays WHERE id = $1', [key]);
        if (known.length > 0) return false;
        throw new Problem('replay_store_full', `${maxEntries} identifiers are remembered`);
      }
      const added = await database.query(
        'INSERT INTO replays (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING RETURNING id',
        [key, Math.ceil(expiresAtMs)],
      );
      entries += added.length;
      return added.length > 0;
    },
    sweep: async () => {
      // Kept a second longer: a replica's clock may be a little behind.
      await database.query('DELETE FROM replays WHERE expires_at < $1', [clock.now() - 1_000]);
      const [row] = await database.query<{ entries: number }>('SELECT count(*) AS entries FROM replays');
      entries = row?.entries ?? 0;
    },
  };
}

/** What many processes remember together, in a PostgreSQL or an SQLite: whoever comes first inserts the row, and only one can. */
import { createHash } from 'node:crypto';
import type { Clock } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { ReplayStore } from './replay-store.ts';
import { askingDatabase, countedEntries, type SqlDatabase, SWEPT_AFTER_MS } from './sql-database.ts';

export interface SqlReplayOptions {
  readonly database: SqlDatabase;
  /** Nothing more is a first use beyond so many, until some have expired. */
  readonly maxEntries: number;
  readonly clock: Pick<Clock, 'now'>;
}

export interface SqlReplayStore extends ReplayStore {
  firstUse(id: string, expiresAtMs: number): Promise<boolean>;
  /** As of the last sweep, and what this process added since. */
  readonly entries: number;
  /** Forgets what has expired and counts what is left; to be run every few seconds. Rejects as the database does. */
  sweep(): Promise<void>;
}

/** The table, to be created once. */
export const SQL_REPLAY_TABLE = 'CREATE TABLE replays (id TEXT PRIMARY KEY, expires_at BIGINT NOT NULL)';

/**
 * Remembers in a table, for all replicas and after a restart. Fails closed: while the database is away nothing is a first use.
 *
 * @example
 * ```ts
 * declare const pool: { query(sql: string, values: unknown[]): Promise<{ rows: object[] }> };
 * const store = sqlReplayStore({
 *   database: { query: async (sql, parameters) => (await pool.query(sql, [...parameters])).rows },
 *   maxEntries: 1_000_000,
 *   clock,
 * });
 * setInterval(() => void store.sweep().catch(console.error), 5_000).unref();
 * ```
 */
export function sqlReplayStore({ database, maxEntries, clock }: SqlReplayOptions): SqlReplayStore {
  let entries = 0;
  const ask = askingDatabase(database);
  return {
    get entries() {
      return entries;
    },
    firstUse: async (id, expiresAtMs) => {
      const key = createHash('sha256').update(id).digest('base64url');
      if (entries >= maxEntries) {
        const known = await ask('SELECT id FROM replays WHERE id = $1', key);
        if (known.length > 0) return false;
        throw new Problem('replay_store_full', `${maxEntries} identifiers are remembered`);
      }
      const added = await ask(
        'INSERT INTO replays (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING RETURNING id',
        key,
        Math.ceil(expiresAtMs),
      );
      entries += added.length;
      return added.length > 0;
    },
    sweep: async () => {
      await database.query('DELETE FROM replays WHERE expires_at < $1', [clock.now() - SWEPT_AFTER_MS]);
      entries = countedEntries(await database.query('SELECT count(*) AS entries FROM replays', []));
    },
  };
}

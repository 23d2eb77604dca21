/** Commands that many processes remember together, in a PostgreSQL or an SQLite: whoever comes first writes the row, and only one can. */
import type { Clock } from '../ports.ts';
import { Problem } from '../problem.ts';
import { askingDatabase, countedEntries, type SqlDatabase, SWEPT_AFTER_MS } from '../replay/sql-database.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { type CommandRun, type IdempotencyStore, type KeyState, stateOf } from './idempotency.ts';

export interface SqlIdempotencyOptions {
  readonly database: SqlDatabase;
  /** No command is new beyond so many, until some have expired. */
  readonly maxEntries: number;
  readonly clock?: Pick<Clock, 'now'>;
}

export interface SqlIdempotencyStore extends IdempotencyStore {
  /** As of the last sweep, and what this process added since. */
  readonly entries: number;
  /** Forgets what has expired and counts what is left; to be run every few seconds. Rejects as the database does. */
  sweep(): Promise<void>;
}

/** The table, to be created once. */
export const SQL_IDEMPOTENCY_TABLE =
  'CREATE TABLE idempotent_commands (id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, expires_at BIGINT NOT NULL, result TEXT)';

/** What has expired is taken over by whoever comes first. */
const BEGIN = `
INSERT INTO idempotent_commands (id, fingerprint, expires_at, result) VALUES ($1, $2, $3, NULL)
ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, expires_at = excluded.expires_at, result = NULL
WHERE idempotent_commands.expires_at <= $4 RETURNING id`;
const KNOWN = 'SELECT fingerprint, result FROM idempotent_commands WHERE id = $1 AND expires_at > $2';

/**
 * Remembers in a table, for all replicas and after a restart. Fails closed: while the database is away no command runs.
 *
 * @example
 * ```ts
 * import { createIdempotency, sqlIdempotencyStore } from '@sidegate/sdk/server';
 *
 * declare const pool: { query(sql: string, values: unknown[]): Promise<{ rows: object[] }> };
 * const store = sqlIdempotencyStore({
 *   database: { query: async (sql, parameters) => (await pool.query(sql, [...parameters])).rows },
 *   maxEntries: 1_000_000,
 * });
 * setInterval(() => void store.sweep().catch(console.error), 5_000).unref();
 * const once = createIdempotency({ store });
 * ```
 */
export function sqlIdempotencyStore(options: SqlIdempotencyOptions): SqlIdempotencyStore {
  const { database, maxEntries, clock = systemRuntime().clock } = options;
  const ask = askingDatabase(database);
  let entries = 0;
  const known = async (run: CommandRun): Promise<KeyState | undefined> => {
    const [row] = (await ask(KNOWN, run.id, clock.now())) as readonly Row[];
    return row && stateOf(row.fingerprint, row.result ?? undefined, run);
  };
  return {
    get entries() {
      return entries;
    },
    async begin(run) {
      if (entries >= maxEntries) {
        const state = await known(run);
        if (state !== undefined) return state;
        throw new Problem('replay_store_full', `${maxEntries} commands are remembered`);
      }
      const begun = await ask(BEGIN, run.id, run.fingerprint, run.expiresAtMs, clock.now());
      entries += begun.length;
      if (begun.length > 0) return { state: 'new' };
      // Gone meanwhile: it failed just now, and its caller may try again.
      return (await known(run)) ?? { state: 'running' };
    },
    async finish({ id, expiresAtMs }, result) {
      await ask(
        'UPDATE idempotent_commands SET result = $3 WHERE id = $1 AND expires_at = $2',
        id,
        expiresAtMs,
        result,
      );
    },
    async abandon({ id, expiresAtMs }) {
      await ask(
        'DELETE FROM idempotent_commands WHERE id = $1 AND expires_at = $2 AND result IS NULL',
        id,
        expiresAtMs,
      );
    },
    async sweep() {
      await database.query('DELETE FROM idempotent_commands WHERE expires_at < $1', [clock.now() - SWEPT_AFTER_MS]);
      entries = countedEntries(await database.query('SELECT count(*) AS entries FROM idempotent_commands', []));
    },
  };
}

interface Row {
  readonly fingerprint: string;
  readonly result: string | null;
}

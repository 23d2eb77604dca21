/** The database of a store that replicas share: PostgreSQL or SQLite, by whatever driver its owner has. */
import { Problem } from '../problem.ts';

export interface SqlDatabase {
  /**
   * One statement, its parameters written `$1`, `$2`; resolves once what it changed is on disk.
   *
   * @returns the rows that it yields
   */
  query(sql: string, parameters: readonly (string | number)[]): Promise<readonly object[]>;
}

/** Asks, or rejects with Problem `replay_store_unavailable`. */
export type AskDatabase = (sql: string, ...parameters: (string | number)[]) => Promise<readonly object[]>;

export function askingDatabase(database: SqlDatabase): AskDatabase {
  return async (sql, ...parameters) => {
    try {
      return await database.query(sql, parameters);
    } catch (cause) {
      throw new Problem('replay_store_unavailable', 'the database did not answer', { cause });
    }
  };
}

/** Of `SELECT count(*) AS entries`: drivers give numbers of 64 bits as texts. */
export function countedEntries([row]: readonly object[]): number {
  return row !== undefined && 'entries' in row ? Number(row.entries) : 0;
}

/** Replicas' clocks may be a little behind each other: so long after its end a row is swept. */
export const SWEPT_AFTER_MS = 1_000;

/**
 * What the authority keeps, as SQL that SQLite and PostgreSQL both speak: `$1`… for parameters, TEXT, BIGINT (milliseconds since
 * the Unix epoch for times), `ON CONFLICT`, `RETURNING`. What resolved is kept, whatever happens to the process.
 */

export type SqlValue = string | number | null;

export interface Queries {
  /**
   * The rows of one statement; empty for a statement that returns none.
   *
   * @throws StoreUnavailable
   */
  query<Row extends object = never>(sql: string, parameters?: readonly SqlValue[]): Promise<Row[]>;
}

export interface Database extends Queries {
  /**
   * Everything that `work` asks of its queries happens, or nothing of it does. What `work` throws is thrown on. Those that race are
   * kept apart by constraints (a unique key, `ON CONFLICT`), not by the transaction.
   */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

/** The database did not do what it was asked to: whoever asked must refuse. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

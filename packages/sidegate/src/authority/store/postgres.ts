/** The store of several replicas. `pg` is optional and loaded only here. */
import type { Pool, PoolClient } from 'pg';
import { type Database, type Queries, type SqlValue, StoreUnavailable } from './database.ts';
import { migrate } from './migrate.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=…` */
  readonly url: string;
  readonly maxConnections: number;
  /** For a connection, and for each statement. */
  readonly timeoutMs: number;
}

/** One number for all that migrate: PostgreSQL's advisory locks have no names. */
const MIGRATION_LOCK = 7_146_002;

/** @throws StoreUnavailable when the server cannot be reached or refuses */
export async function openPostgres({ url, maxConnections, timeoutMs }: PostgresOptions): Promise<Database> {
  const { default: pg } = await import('pg').catch((error: unknown) => {
    throw new StoreUnavailable('PostgreSQL needs the package pg; run npm install pg', { cause: error });
  });
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs + 1_000,
    types: {
      getTypeParser: (oid, format) =>
        oid === pg.types.builtins.INT8 && format !== 'binary'
          ? (text: string) => Number(text)
          : pg.types.getTypeParser(oid, format),
    },
  });
  // A connection that breaks while it is idle is replaced by the next one that is needed.
  pool.on('error', () => undefined);
  try {
    await inTransaction(pool, async (queries) => {
      await queries.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
      await migrate(queries, 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY');
    });
  } catch (error) {
    await pool.end();
    throw error;
  }
  return {
    ...queriesOf(pool),
    transaction: (work) => inTransaction(pool, work),
    close: () => pool.end(),
  };
}

async function inTransaction<T>(pool: Pool, work: (queries: Queries) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw unavailable(error);
  });
  const queries = queriesOf(client);
  try {
    await queries.query('BEGIN');
    const result = await work(queries);
    await queries.query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    await endFailed(client);
    throw error;
  }
}

/** A connection that cannot even take back what it did is not used again. */
async function endFailed(client: PoolClient): Promise<void> {
  try {
    await client.query('ROLLBACK');
    client.release();
  } catch {
    client.release(true);
  }
}

function queriesOf(source: Pool | PoolClient): Queries {
  return {
    query: async <Row extends object>(sql: string, parameters: readonly SqlValue[] = []) => {
      try {
        const { rows } = await source.query<Row>(sql, [...parameters]);
        return rows;
      } catch (error) {
        throw unavailable(error);
      }
    },
  };
}

/** PostgreSQL's messages may repeat values, never the password. */
function unavailable(error: unknown): StoreUnavailable {
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  return new StoreUnavailable(`PostgreSQL did not do it${code}`, { cause: error });
}

/**
 * The embedded store: one file, one process that serves, commands beside it. Statements of one turn of the event loop share a
 * commit, so that durability costs one write to disk however many ask for it.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type Database, type Queries, type SqlValue, StoreUnavailable } from './database.ts';
import { migrate } from './migrate.ts';

export const IN_MEMORY = ':memory:';

/** Another process, a command for instance, may hold the file for so long. */
const BUSY_MS = 5_000;

interface Prepared {
  readonly statement: StatementSync;
  /** Which parameter each `?` takes. */
  readonly order: readonly number[];
}

type Job = Statement | Exclusive;

interface Statement {
  readonly run: () => void;
  readonly writes: boolean;
  readonly settle: () => void;
  readonly fail: (error: unknown) => void;
}

interface Exclusive {
  readonly exclusive: () => Promise<void>;
}

/** @throws StoreUnavailable when the file cannot be opened or holds something else */
export async function openSqlite(file: string): Promise<Database> {
  let sqlite: DatabaseSync;
  try {
    sqlite = new DatabaseSync(file, { timeout: BUSY_MS });
    sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
  } catch (error) {
    throw unavailable(`${file} cannot be opened`, error);
  }
  const database = sqliteDatabase(sqlite);
  try {
    await database.transaction((queries) => migrate(queries, 'INTEGER PRIMARY KEY AUTOINCREMENT'));
  } catch (error) {
    sqlite.close();
    throw unavailable(`${file} cannot be used`, error);
  }
  return database;
}

function sqliteDatabase(sqlite: DatabaseSync): Database {
  const prepared = new Map<string, Prepared>();
  const jobs: Job[] = [];
  let pumping: Promise<void> | undefined;

  function rows(sql: string, parameters: readonly SqlValue[]): unknown[] {
    const { statement, order } = prepare(sql);
    return statement.all(...order.map((index) => parameters[index] ?? null)).map((row) => ({ ...row }));
  }

  function prepare(sql: string): Prepared {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const order: number[] = [];
    const text = sql.replaceAll(/\$(\d+)/g, (_, number: string) => {
      order.push(Number(number) - 1);
      return '?';
    });
    const made = { statement: sqlite.prepare(text), order };
    prepared.set(sql, made);
    return made;
  }

  function enqueue(job: Job): void {
    jobs.push(job);
    pumping ??= new Promise<void>((resolve) => setImmediate(resolve)).then(pump);
  }

  async function pump(): Promise<void> {
    for (let job = jobs[0]; job !== undefined; job = jobs[0]) {
      if ('exclusive' in job) {
        jobs.shift();
        await job.exclusive();
      } else commitTogether(takeStatements());
    }
    pumping = undefined;
  }

  function takeStatements(): Statement[] {
    const end = jobs.findIndex((job) => 'exclusive' in job);
    return jobs.splice(0, end === -1 ? jobs.length : end) as Statement[];
  }

  function commitTogether(statements: readonly Statement[]): void {
    const writes = statements.some((statement) => statement.writes);
    const done: Statement[] = [];
    try {
      if (writes) sqlite.exec('BEGIN IMMEDIATE');
      for (const statement of statements) {
        try {
          statement.run();
          done.push(statement);
        } catch (error) {
          // SQLite takes back the one statement, not those beside it.
          statement.fail(unavailable('a statement failed', error));
        }
      }
      if (writes) sqlite.exec('COMMIT');
    } catch (error) {
      rollBack();
      for (const statement of statements) statement.fail(unavailable('nothing was kept', error));
      return;
    }
    for (const statement of done) statement.settle();
  }

  function rollBack(): void {
    if (sqlite.isOpen && sqlite.isTransaction) sqlite.exec('ROLLBACK');
  }

  const inside: Queries = {
    query: async <Row extends object>(sql: string, parameters: readonly SqlValue[] = []) => {
      try {
        return rows(sql, parameters) as Row[];
      } catch (error) {
        throw unavailable('a statement failed', error);
      }
    },
  };

  return {
    query: <Row extends object>(sql: string, parameters: readonly SqlValue[] = []) => {
      const { promise, resolve, reject } = Promise.withResolvers<Row[]>();
      let found: Row[] = [];
      enqueue({
        run: () => {
          found = rows(sql, parameters) as Row[];
        },
        writes: !/^\s*SELECT\b/i.test(sql),
        settle: () => resolve(found),
        fail: reject,
      });
      return promise;
    },
    transaction: <T>(work: (queries: Queries) => Promise<T>) => {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      enqueue({
        exclusive: async () => {
          try {
            sqlite.exec('BEGIN IMMEDIATE');
            const result = await work(inside);
            sqlite.exec('COMMIT');
            resolve(result);
          } catch (error) {
            rollBack();
            reject(error);
          }
        },
      });
      return promise;
    },
    close: async () => {
      await pumping;
      sqlite.close();
    },
  };
}

function unavailable(what: string, error: unknown): StoreUnavailable {
  const why = error instanceof Error ? error.message : String(error);
  return new StoreUnavailable(`${what}: ${why}`, { cause: error });
}

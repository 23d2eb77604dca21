/** Commands remembered in the real PostgreSQL. */
import { after, before, describe } from 'node:test';
import { SQL_IDEMPOTENCY_TABLE, sqlIdempotencyStore } from '@sidegate/sdk/server';
import { openPostgres } from '../../packages/sidegate/src/authority/store/postgres.ts';
import { idempotencyTable } from '../support/idempotency-table.ts';
import { withoutPostgres } from './postgres-binary.ts';
import { type PostgresServer, startPostgresServer } from './postgres-server.ts';

describe('commands in PostgreSQL', { skip: withoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgresServer();
  });
  after(() => server[Symbol.asyncDispose]());

  idempotencyTable('PostgreSQL', async () => {
    const url = await server.database();
    const stack = new AsyncDisposableStack();
    const open = async () => {
      const database = await openPostgres({ url, maxConnections: 10, timeoutMs: 5_000 });
      stack.defer(() => database.close());
      return database;
    };
    const databases = [await open(), await open()] as const;
    await databases[0].query(SQL_IDEMPOTENCY_TABLE);
    const [one, other] = databases;
    return {
      replicas: [
        sqlIdempotencyStore({ database: one, maxEntries: 1_000 }),
        sqlIdempotencyStore({ database: other, maxEntries: 1_000 }),
      ],
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  });
});

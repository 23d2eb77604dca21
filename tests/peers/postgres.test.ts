/** The store of several replicas, on the real PostgreSQL. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { StoreUnavailable } from '../../packages/sidegate/src/authority/store/database.ts';
import { openPostgres } from '../../packages/sidegate/src/authority/store/postgres.ts';
import { databaseTable, type OpenedDatabase } from '../support/database-table.ts';
import { enrolmentTable } from '../support/enrolment-table.ts';
import { freePort } from '../support/free-port.ts';
import { revocationTable } from '../support/revocation-table.ts';
import { withoutPostgres } from './postgres-binary.ts';
import { type PostgresServer, startPostgresServer } from './postgres-server.ts';

const LIMITS = { maxConnections: 10, timeoutMs: 5_000 };

test('a PostgreSQL that is not there refuses the start without a word of its password', async () => {
  const url = `postgres://sidegate:very-secret@127.0.0.1:${await freePort()}/authority`;
  await assert.rejects(openPostgres({ url, ...LIMITS }), (error) => {
    assert.ok(error instanceof StoreUnavailable);
    assert.doesNotMatch(JSON.stringify([error.message, error.stack]), /very-secret/);
    return /ECONNREFUSED/.test(error.message);
  });
});

describe('PostgreSQL', { skip: withoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgresServer();
  });
  after(() => server[Symbol.asyncDispose]());

  const prepare = async (): Promise<OpenedDatabase> => {
    const url = await server.database();
    return { open: () => openPostgres({ url, ...LIMITS }), [Symbol.asyncDispose]: async () => undefined };
  };
  databaseTable('PostgreSQL', prepare);
  revocationTable('PostgreSQL', prepare);
  enrolmentTable('PostgreSQL', prepare);

  test('a wrong password refuses the start without a word of it', async () => {
    const url = (await server.database()).replace('only-for-this-test', 'very-secret');
    await assert.rejects(openPostgres({ url, ...LIMITS }), (error) => {
      assert.doesNotMatch(String(error), /very-secret/);
      return error instanceof StoreUnavailable && /28P01/.test(error.message);
    });
  });
});

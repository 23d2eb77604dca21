import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { databaseTable } from '../../../../../tests/support/database-table.ts';
import { StoreUnavailable } from './database.ts';
import { IN_MEMORY, openSqlite } from './sqlite.ts';

async function folder() {
  const name = await mkdtemp(path.join(tmpdir(), 'sidegate-store-'));
  return { name, [Symbol.asyncDispose]: () => rm(name, { recursive: true }) };
}

databaseTable('SQLite', async () => {
  const { name, ...disposable } = await folder();
  return { open: () => openSqlite(path.join(name, 'authority.db')), ...disposable };
});

test('a file that is no database, or lies nowhere, is refused with its name', async () => {
  await using place = await folder();
  const file = path.join(place.name, 'text.db');
  await writeFile(file, 'this is a text and not a database, however long it may be'.repeat(40));
  await assert.rejects(
    openSqlite(file),
    (error) => error instanceof StoreUnavailable && /text\.db/.test(error.message),
  );
  const nowhere = path.join(place.name, 'missing', 'authority.db');
  await assert.rejects(
    openSqlite(nowhere),
    (error) => error instanceof StoreUnavailable && /missing/.test(error.message),
  );
});

test('a commit that fails refuses all that it would have kept, and the next one works', async () => {
  const database = await openSqlite(IN_MEMORY);
  await database.query('CREATE TABLE parents (id TEXT PRIMARY KEY)');
  await database.query('CREATE TABLE children (id TEXT REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)');
  const outcomes = await Promise.allSettled([
    database.query("INSERT INTO children (id) VALUES ('orphan')"),
    database.query("INSERT INTO replays (id, expires_at) VALUES ('beside', 1)"),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  await database.query("INSERT INTO replays (id, expires_at) VALUES ('after', 1)");
  assert.deepEqual(await database.query('SELECT id FROM replays'), [{ id: 'after' }]);
  await database.close();
});

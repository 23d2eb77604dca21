/** Stores of commands that replicas share, and what is told while they are away. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { idempotencyTable } from '../../../../tests/support/idempotency-table.ts';
import { openSqlite } from '../../../sidegate/src/authority/store/sqlite.ts';
import { Problem } from '../problem.ts';
import { createIdempotency, type IdempotencyStore } from './idempotency.ts';
import { memoryIdempotencyStore } from './memory-idempotency-store.ts';
import { redisIdempotencyStore } from './redis-idempotency-store.ts';
import { SQL_IDEMPOTENCY_TABLE, sqlIdempotencyStore } from './sql-idempotency-store.ts';

const clock = { now: () => Date.now() };

idempotencyTable('memory', async () => {
  const store = memoryIdempotencyStore({ maxEntries: 100, clock });
  return { replicas: [store, store], [Symbol.asyncDispose]: async () => {} };
});

async function openTwo() {
  const folder = await mkdtemp(path.join(tmpdir(), 'commands-'));
  const file = path.join(folder, 'commands.db');
  const databases = [await openSqlite(file), await openSqlite(file)] as const;
  await databases[0].query(SQL_IDEMPOTENCY_TABLE);
  return {
    databases,
    async [Symbol.asyncDispose]() {
      for (const database of databases) await database.close();
      await rm(folder, { recursive: true });
    },
  };
}

idempotencyTable('SQLite', async () => {
  const { databases, ...opened } = await openTwo();
  const [one, other] = databases.map((database) => sqlIdempotencyStore({ database, maxEntries: 1_000, clock }));
  assert.ok(one !== undefined && other !== undefined);
  return { replicas: [one, other], ...opened };
});

const run = { id: 'a', fingerprint: 'f', expiresAtMs: Date.now() + 3_600_000 };
const isProblem = (code: string) => (error: unknown) => error instanceof Problem && error.code === code;

test('a table without room takes no new command, still knows the others, and makes room as they expire', async () => {
  await using opened = await openTwo();
  const [database] = opened.databases;
  let now = Date.now();
  const store = sqlIdempotencyStore({ database, maxEntries: 1, clock: { now: () => now } });
  assert.deepEqual(await store.begin(run), { state: 'new' });
  await assert.rejects(async () => store.begin({ ...run, id: 'b' }), isProblem('replay_store_full'));
  assert.deepEqual(await store.begin(run), { state: 'running' });
  await store.finish(run, '{}');
  assert.deepEqual(await store.begin(run), { state: 'done', result: '{}' });
  now += 3_700_000;
  await store.sweep();
  assert.equal(store.entries, 0);
  assert.deepEqual(await store.begin({ ...run, id: 'b', expiresAtMs: now + 60_000 }), { state: 'new' });
});

const away = (message: string) => () => Promise.reject(new Error(message));
const AWAY: readonly (readonly [title: string, store: IdempotencyStore, code: string])[] = [
  [
    'a database that is away',
    sqlIdempotencyStore({ database: { query: away('ECONNREFUSED') }, maxEntries: 9, clock }),
    'replay_store_unavailable',
  ],
  [
    'a Redis that is away',
    redisIdempotencyStore({ command: away('ECONNREFUSED'), keyPrefix: 'p:', clock }),
    'replay_store_unavailable',
  ],
  [
    'a Redis without memory',
    redisIdempotencyStore({ command: away('OOM command not allowed'), keyPrefix: 'p:', clock }),
    'replay_store_full',
  ],
];
for (const [title, store, code] of AWAY) {
  test(`with ${title} no command runs: 503 ${code}`, async () => {
    const once = createIdempotency({ store });
    const principal = { proofs: [], service: undefined, user: undefined, scopes: [], roles: [], claims: undefined };
    await assert.rejects(
      once({ principal, key: 'k', operation: 'charge', payload: 1 }, () => assert.fail('it ran')),
      isProblem(code),
    );
  });
}

for (const known of [null, undefined, 1, '', 'OK', 'f', 'f other', 'f running x', ' done {}']) {
  test(`what Redis says of a key, ${JSON.stringify(known)}, is no result`, async () => {
    const command = async ([verb]: readonly string[]) => (verb === 'GET' ? known : null);
    const store = redisIdempotencyStore({ command, keyPrefix: 'p:', clock });
    assert.deepEqual(await store.begin(run), { state: 'running' });
  });
}

test('a command whose store goes away when it fails is told why it failed, and stays refused', async () => {
  const memory = memoryIdempotencyStore({ maxEntries: 9, clock });
  const store: IdempotencyStore = {
    ...memory,
    abandon: () => Promise.reject(new Problem('replay_store_unavailable', '')),
  };
  const once = createIdempotency({ store });
  const principal = { proofs: [], service: undefined, user: undefined, scopes: [], roles: [], claims: undefined };
  const command = { principal, key: 'k', operation: 'charge', payload: 1 };
  await assert.rejects(
    once(command, () => Promise.reject(new Error('the bank is closed'))),
    /the bank is closed/,
  );
  await assert.rejects(
    once(command, async () => 1),
    isProblem('idempotency_in_progress'),
  );
});

/** What every database behind the authority does alike: one table, run on SQLite by `npm test` and on PostgreSQL by `npm run test:peers`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem, sqlReplayStore } from '@sidegate/sdk';
import { type Database, StoreUnavailable } from '../../packages/sidegate/src/authority/store/database.ts';

export interface OpenedDatabase extends AsyncDisposable {
  /** Opens what is kept again, as another replica or the next process does. */
  open(): Promise<Database>;
}

const INSERT = 'INSERT INTO replays (id, expires_at) VALUES ($1, $2)';

export function databaseTable(name: string, prepare: () => Promise<OpenedDatabase>): void {
  test(`${name}: a statement that fails is refused alone, those beside it are kept`, async () => {
    await using prepared = await prepare();
    const database = await prepared.open();
    const outcomes = await Promise.allSettled([
      database.query(INSERT, ['a', 1]),
      database.query(INSERT, ['a', 2]),
      database.query('INSERT INTO no_such_table VALUES (1)'),
      database.query(INSERT, ['b', 3]),
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason instanceof StoreUnavailable),
      [false, true, true, false],
    );
    assert.deepEqual(await database.query('SELECT id, expires_at FROM replays ORDER BY id'), [
      { id: 'a', expires_at: 1 },
      { id: 'b', expires_at: 3 },
    ]);
    await database.close();
  });

  test(`${name}: a transaction that throws leaves nothing, and what follows works`, async () => {
    await using prepared = await prepare();
    const database = await prepared.open();
    const failed = database.transaction(async (queries) => {
      await queries.query(INSERT, ['half', 1]);
      throw new Error('changed my mind');
    });
    const beside = database.query(INSERT, ['whole', 1]);
    await assert.rejects(failed, /changed my mind/);
    await beside;
    assert.deepEqual(await database.query('SELECT id FROM replays'), [{ id: 'whole' }]);
    await database.close();
  });

  test(`${name}: parameters are values wherever they stand, and times keep their milliseconds`, async () => {
    await using prepared = await prepare();
    const database = await prepared.open();
    await database.query(INSERT, ["'); DROP TABLE replays; --", 1_893_456_000_123]);
    const rows = await database.query('SELECT id, expires_at FROM replays WHERE expires_at = $2 AND id = $1', [
      "'); DROP TABLE replays; --",
      1_893_456_000_123,
    ]);
    assert.deepEqual(rows, [{ id: "'); DROP TABLE replays; --", expires_at: 1_893_456_000_123 }]);
    await database.close();
  });

  test(`${name}: two that open it at once migrate it once, and a third finds what they wrote`, async () => {
    await using prepared = await prepare();
    const [first, second] = await Promise.all([prepared.open(), prepared.open()]);
    await first.query(INSERT, ['kept', 9]);
    await Promise.all([first.close(), second.close()]);
    const third = await prepared.open();
    assert.deepEqual(await third.query('SELECT id FROM replays'), [{ id: 'kept' }]);
    await third.close();
  });

  test(`${name}: a database of a later version is refused by its name`, async () => {
    await using prepared = await prepare();
    const database = await prepared.open();
    await database.query("INSERT INTO sidegate_migrations (name, position) VALUES ('9999-from-the-future', 9999)");
    await database.close();
    await assert.rejects(prepared.open(), /9999-from-the-future.+run a later one/);
  });

  test(`${name}: C-224 one of 100 parallel uses on two replicas succeeds, and none after a restart`, async () => {
    await using prepared = await prepare();
    const clock = { now: () => 1_000_000 };
    const replicas = await Promise.all([prepared.open(), prepared.open()]);
    const stores = replicas.map((database) => sqlReplayStore({ database, maxEntries: 1_000, clock }));
    const uses = Array.from({ length: 50 }, () => stores.map((store) => store.firstUse('jti', 1_300_000))).flat();
    const outcomes = await Promise.all(uses);
    assert.equal(outcomes.filter(Boolean).length, 1);
    await Promise.all(replicas.map((database) => database.close()));
    const restarted = await prepared.open();
    assert.equal(
      await sqlReplayStore({ database: restarted, maxEntries: 1_000, clock }).firstUse('jti', 1_300_000),
      false,
    );
    await restarted.close();
  });

  test(`${name}: C-224 a full store refuses what is new as 503, keeps what lives, and forgets what has expired`, async () => {
    await using prepared = await prepare();
    let nowMs = 1_000_000;
    const database = await prepared.open();
    const store = sqlReplayStore({ database, maxEntries: 3, clock: { now: () => nowMs } });
    for (const id of ['a', 'b', 'c']) assert.equal(await store.firstUse(id, 1_300_000), true);
    const full = (error: unknown) => error instanceof Problem && error.code === 'replay_store_full';
    await assert.rejects(store.firstUse('d', 1_300_000), full);
    await store.sweep();
    await assert.rejects(store.firstUse('d', 1_300_000), full);
    for (const id of ['a', 'b', 'c']) assert.equal(await store.firstUse(id, 1_300_000), false);
    nowMs = 1_302_000;
    await store.sweep();
    assert.equal(await store.firstUse('d', 1_600_000), true);
    await database.close();
    const gone = (error: unknown) => error instanceof Problem && error.code === 'replay_store_unavailable';
    await assert.rejects(store.firstUse('e', 1_600_000), gone);
  });
}

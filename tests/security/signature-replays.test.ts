/** Corpus 224 for signed requests: once, however many come at the same time, at whichever process, before and after a restart. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { memoryReplayStore, type ReplayStore, sqlReplayStore } from '@sidegate/sdk';
import { openSqlite } from '../../packages/sidegate/src/authority/store/sqlite.ts';
import { type AuthenticatedService, startAuthenticatedService } from '../support/authenticated-service.ts';
import { signedCall, signingAuthenticator, wireOf } from '../support/signed-calls.ts';
import { sendRequest, type WireRequest } from '../support/wire.ts';

const clock = { now: () => Date.now() };
const start = (replay: ReplayStore): Promise<AuthenticatedService> =>
  startAuthenticatedService({ authenticator: signingAuthenticator(replay) });
const statusAt = async (service: AuthenticatedService, request: WireRequest): Promise<number> =>
  (await sendRequest(service, request)).status;

test('C-224 a signed request sent 100 times at once passes once; whoever signs anew passes', async () => {
  await using service = await start(memoryReplayStore({ maxEntries: 1_000, clock }));
  const request = wireOf(signedCall());
  const statuses = await Promise.all(Array.from({ length: 100 }, () => statusAt(service, request)));
  assert.equal(statuses.filter((status) => status === 200).length, 1);
  assert.equal(statuses.filter((status) => status === 401).length, 99);
  assert.equal(await statusAt(service, wireOf(signedCall())), 200);
});

test('C-224 at two replicas with one store it passes once, and not again after a restart', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'signature-replays-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'replays.db');
  const request = wireOf(signedCall());
  {
    await using running = new AsyncDisposableStack();
    const open = async (): Promise<AuthenticatedService> => {
      const database = await openSqlite(file);
      running.defer(() => database.close());
      return running.use(await start(sqlReplayStore({ database, maxEntries: 1_000, clock })));
    };
    const replicas = [await open(), await open()] as const;
    const statuses = await Promise.all(
      Array.from({ length: 100 }, (_, index) => statusAt(replicas[index % 2 === 0 ? 0 : 1], request)),
    );
    assert.equal(statuses.filter((status) => status === 200).length, 1);
    assert.equal(statuses.filter((status) => status === 401).length, 99);
  }
  const database = stack.adopt(await openSqlite(file), (opened) => opened.close());
  const restarted = stack.use(await start(sqlReplayStore({ database, maxEntries: 1_000, clock })));
  assert.equal(await statusAt(restarted, request), 401);
  assert.equal(await statusAt(restarted, wireOf(signedCall())), 200);
});

test('C-224 a store without room is 503 replay_store_full, and what it remembers stays refused', async () => {
  await using service = await start(memoryReplayStore({ maxEntries: 1, clock }));
  const request = wireOf(signedCall());
  assert.equal(await statusAt(service, request), 200);
  const { status, body } = await sendRequest(service, wireOf(signedCall()));
  assert.equal(status, 503);
  assert.match(body, /replay_store_full/);
  assert.equal(await statusAt(service, request), 401);
});

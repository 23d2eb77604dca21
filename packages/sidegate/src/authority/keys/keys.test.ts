import assert from 'node:assert/strict';
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { test } from 'node:test';
import type { Database } from '../store/database.ts';
import { IN_MEMORY, openSqlite } from '../store/sqlite.ts';
import { sealedKeys } from './key-custody.ts';
import { type KeyRotation, rotateDueKeys } from './key-rotation.ts';
import { type KeyStore, keyStore, UnknownKey } from './key-store.ts';
import { sealing } from './sealing.ts';

const DAY = 86_400_000;
const SEALING = sealing([randomBytes(32)], randomBytes);
const KEEP = 305_000;

interface Replica {
  readonly keys: KeyStore;
  readonly rotation: KeyRotation;
  readonly time: { nowMs: number };
}

function replica(database: Database, time: { nowMs: number }, seal = SEALING): Replica {
  const clock = { now: () => time.nowMs };
  const keys = keyStore({ database, custody: sealedKeys(seal), clock, keepVerifyingMs: KEEP });
  const rotation: KeyRotation = {
    realms: ['services'],
    algorithms: ['ES256'],
    rotateEveryMs: 30 * DAY,
    publishBeforeMs: 600_000,
    clock,
  };
  return { keys, rotation, time };
}

const states = (keys: KeyStore) => keys.list().map(({ generation, state }) => `${generation} ${state}`);

test('S4-096 S4-097 a key is published before it signs, verifies after it has signed, and goes when the last token has expired', async () => {
  const time = { nowMs: Date.UTC(2026, 0, 1) };
  const { keys, rotation } = replica(await openSqlite(IN_MEMORY), time);
  const start = time.nowMs;
  const expected: [number, string[], number][] = [
    [0, ['1 current'], 1],
    [30 * DAY - 600_001, ['1 current'], 1],
    [30 * DAY - 600_000, ['1 current', '2 next'], 1],
    [30 * DAY - 1, ['1 current', '2 next'], 1],
    [30 * DAY, ['1 retiring', '2 current'], 2],
    [30 * DAY + KEEP - 1, ['1 retiring', '2 current'], 2],
    [30 * DAY + KEEP, ['1 retired', '2 current'], 2],
  ];
  for (const [after, wanted, signing] of expected) {
    time.nowMs = start + after;
    await rotateDueKeys(keys, rotation);
    assert.deepEqual(states(keys), wanted, `after ${after} ms`);
    const kid = keys.ring('services').current('ES256')?.kid;
    assert.equal(keys.list().find((key) => key.kid === kid)?.generation, signing);
    const published = keys.list().filter(({ state }) => state !== 'retired');
    assert.deepEqual(
      keys
        .ring('services')
        .published()
        .map((jwk) => jwk['kid']),
      published.map((key) => key.kid),
    );
  }
});

test('replicas that start together sign with one key, and one of them rotates', async () => {
  const time = { nowMs: Date.UTC(2026, 0, 1) };
  const database = await openSqlite(IN_MEMORY);
  const replicas = [replica(database, time), replica(database, time), replica(database, time)];
  const everyone = () => Promise.all(replicas.map(({ keys, rotation }) => rotateDueKeys(keys, rotation)));
  for (const generation of [1, 2, 3]) {
    await everyone();
    await everyone();
    const kids = replicas.map(({ keys }) => keys.ring('services').current('ES256')?.kid);
    assert.equal(new Set(kids).size, 1);
    assert.equal(replicas[0]?.keys.list().length, generation);
    time.nowMs += 30 * DAY;
  }
});

test('what one replica signs another one publishes, also after a restart', async () => {
  const time = { nowMs: Date.UTC(2026, 0, 1) };
  const database = await openSqlite(IN_MEMORY);
  const [first, second] = [replica(database, time), replica(database, time)];
  await rotateDueKeys(first.keys, first.rotation);
  await rotateDueKeys(second.keys, second.rotation);
  const key = first.keys.ring('services').current('ES256');
  assert.ok(key);
  const [header, claims, signature = ''] = (await key.signJwt('JWT', { sub: 'signed' })).split('.');
  const jwk = second.keys
    .ring('services')
    .published()
    .find(({ kid }) => kid === key.kid);
  assert.ok(jwk);
  const publicKey = createPublicKey({ key: { ...jwk }, format: 'jwk' });
  const given = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  assert.ok(verify('sha256', Buffer.from(`${header}.${claims}`), given, Buffer.from(signature, 'base64url')));
});

test('a retired key verifies nothing from that moment, and a signing one is replaced at once', async () => {
  const time = { nowMs: Date.UTC(2026, 0, 1) };
  const { keys, rotation } = replica(await openSqlite(IN_MEMORY), time);
  await rotateDueKeys(keys, rotation);
  const [stolen] = keys.list();
  assert.ok(stolen);
  await keys.retire(stolen.kid);
  assert.deepEqual(states(keys), ['1 retired', '2 current']);
  assert.deepEqual(
    keys
      .ring('services')
      .published()
      .map(({ kid }) => kid),
    [keys.list()[1]?.kid],
  );
  await assert.rejects(keys.retire('no-such-key'), (error) => error instanceof UnknownKey);
});

test('a retired key leaves no private half in the store', async () => {
  const time = { nowMs: Date.UTC(2026, 0, 1) };
  const database = await openSqlite(IN_MEMORY);
  const { keys, rotation } = replica(database, time);
  await rotateDueKeys(keys, rotation);
  const handles = async () =>
    (await database.query<{ handle: string }>('SELECT handle FROM signing_keys')).map((row) => row.handle);
  assert.match((await handles())[0] ?? '', /^v1\./);
  await keys.retire(keys.list()[0]?.kid ?? '');
  assert.deepEqual((await handles()).filter((handle) => handle !== '').length, 1);
});

test('a store that was sealed under another key refuses, and what was known stays', async () => {
  const time = { nowMs: Date.UTC(2026, 0, 1) };
  const database = await openSqlite(IN_MEMORY);
  const { keys, rotation } = replica(database, time);
  await rotateDueKeys(keys, rotation);
  const other = replica(database, time, sealing([randomBytes(32)], randomBytes));
  await assert.rejects(
    rotateDueKeys(other.keys, other.rotation),
    /was sealed under the key [0-9a-f]{8}, which is not configured/,
  );
});

test('a realm without keys signs nothing and publishes nothing', async () => {
  const { keys, rotation } = replica(await openSqlite(IN_MEMORY), { nowMs: 0 });
  await rotateDueKeys(keys, rotation);
  assert.equal(keys.ring('other').current('ES256'), undefined);
  assert.equal(keys.ring('services').current('RS256'), undefined);
  assert.deepEqual(keys.ring('other').published(), []);
});

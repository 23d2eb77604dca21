/** Who waits for a connection to an upstream, for how long, and how many may. Over real sockets. */
import assert from 'node:assert/strict';
import { lookup } from 'node:dns';
import net, { type AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { Problem } from '@sidegate/sdk';
import { until } from '../../../../tests/support/until.ts';
import { createConnector, HANDSHAKE_TIMEOUT } from './connector.ts';
import { createUpstreamPool, type UpstreamPool } from './upstream-pool.ts';

const WAITING = { cancelled: false };
const LIMITS = { maxConnections: 2, maxWaiting: 3, maxIdle: 2, timeoutMs: 10_000, idleTimeoutMs: 10_000 };

interface Pooled extends AsyncDisposable {
  readonly pool: UpstreamPool;
}

/** @param handshakeMs it is spoken to over TLS, which it does not understand, for that long */
async function start(
  limits: Partial<typeof LIMITS> = {},
  { listens = true, handshakeMs }: { readonly listens?: boolean; readonly handshakeMs?: number } = {},
): Promise<Pooled> {
  const server = net.createServer((socket) => void socket.on('error', () => undefined).resume());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const scheme = handshakeMs === undefined ? 'http' : 'https';
  const url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (!listens) await new Promise((resolve) => server.close(resolve));
  const patience = { connectTimeoutMs: 1_000, handshakeTimeoutMs: handshakeMs ?? 1_000 };
  const connect = createConnector({ url, connectTo: new Map(), lookup, ...patience });
  const pool = createUpstreamPool({ ...LIMITS, ...limits, connect, host: 'a', monotonic: () => performance.now() });
  return {
    pool,
    async [Symbol.asyncDispose]() {
      pool.close();
      server.close();
    },
  };
}

const overloaded = (error: unknown): boolean => {
  assert.ok(error instanceof Problem);
  assert.deepEqual([error.code, error.row.status, error.retryAfterSeconds], ['upstream_overloaded', 503, 1]);
  return true;
};

describe('who comes when all connections are in use', () => {
  test('is refused when as many as may wait already do', async () => {
    await using started = await start();
    const { pool } = started;
    const taken = await Promise.all([pool.acquire(false, WAITING), pool.acquire(false, WAITING)]);
    const waiting = [1, 2, 3].map(() => Promise.resolve(pool.acquire(false, WAITING)));
    await assert.rejects(Promise.resolve(pool.acquire(false, WAITING)), overloaded);
    for (const connection of taken) pool.release(connection);
    assert.deepEqual(await Promise.all(waiting.slice(0, 2)), taken, 'those who wait get them, first come first served');
    for (const connection of taken) connection.destroy();
    assert.ok((await waiting[2]) !== undefined, 'and a new one where one ended');
  });

  test('takes the place of one who waited and has gone away', async () => {
    await using started = await start();
    const { pool } = started;
    const taken = await Promise.all([pool.acquire(false, WAITING), pool.acquire(false, WAITING)]);
    const gone = { cancelled: false };
    const waiting = [gone, WAITING, WAITING].map((who) => Promise.resolve(pool.acquire(false, who)));
    gone.cancelled = true;
    const late = Promise.resolve(pool.acquire(false, WAITING));
    await assert.rejects(waiting[0] ?? Promise.resolve(), Problem);
    await assert.rejects(Promise.resolve(pool.acquire(false, WAITING)), overloaded);
    for (const connection of taken) connection.destroy();
    const [second, third] = await Promise.all(waiting.slice(1));
    second?.destroy();
    third?.destroy();
    (await late).destroy();
  });

  test('waits no longer than an answer may take', async () => {
    await using started = await start({ timeoutMs: 100 });
    const { pool } = started;
    const taken = await Promise.all([pool.acquire(false, WAITING), pool.acquire(false, WAITING)]);
    const began = performance.now();
    // Connections that are in use but carry nothing look idle, and end later.
    await assert.rejects(Promise.resolve(pool.acquire(false, WAITING)), overloaded);
    assert.ok(performance.now() - began < 5_000);
    for (const connection of taken) connection.destroy();
  });

  test('is told with those before, when no handshake comes to its end', async () => {
    // Two attempts at a time: fifty of them one after another would take 25 times as long as one.
    await using started = await start({ maxWaiting: 50 }, { handshakeMs: 100 });
    const began = performance.now();
    const asked = Array.from({ length: 50 }, () => Promise.resolve(started.pool.acquire(false, WAITING)));
    const codes = await Promise.all(
      asked.map((one) => one.catch((error: unknown) => (error as { code?: string }).code)),
    );
    assert.deepEqual(new Set(codes), new Set([HANDSHAKE_TIMEOUT]));
    assert.ok(performance.now() - began < 2_000);
  });

  test('gets the error when nobody listens, however many ask at once', async () => {
    await using started = await start({ maxWaiting: 50 }, { listens: false });
    const asked = Array.from({ length: 50 }, () => Promise.resolve(started.pool.acquire(false, WAITING)));
    let failed = 0;
    for (const one of asked) one.catch(() => (failed += 1));
    await until(() => failed === 50);
    assert.equal(failed, 50);
  });
});

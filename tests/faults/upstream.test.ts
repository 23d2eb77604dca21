/** The service behind a sidecar breaks off, does not take connections, is slow, or meets clients that are. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import tls from 'node:tls';
import { startHandlerApp } from '../support/handler-app.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { burst, loadFor, startLoad, sum } from './load.ts';
import { row } from './row.ts';
import { bound, count, RATE, SECONDS } from './scale.ts';
import { type System, startSystem } from './system.ts';

/** How a service may break off. */
const ENDINGS: readonly ((socket: net.Socket) => void)[] = [
  (socket) => socket.resetAndDestroy(),
  (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Len', () => socket.resetAndDestroy()),
  (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\nhalf', () => socket.resetAndDestroy()),
  (socket) =>
    void socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', () =>
      socket.resetAndDestroy(),
    ),
];

/** Of processor time, at both ends of a burst that share a core. */
const HANDSHAKE_MS = 4;

/** Every other answer is cut, and whoever asks next needs a handshake: at more of them the clients of this test are what is slow. */
const RATE_OF_RESETS = Math.min(RATE, 100);

row('upstream resets mid-body: 502 before the head, a cut after it, at once; no POST is sent twice', async (note) => {
  let turn = 0;
  await using app = await startRawUpstream((socket) => {
    turn += 1;
    ENDINGS[turn % ENDINGS.length]?.(socket);
  });
  await using system = await startSystem({ upstreamPort: app.port });
  const options = { ...system.good, perSecond: RATE_OF_RESETS / 2 };
  const [posts, gets] = await Promise.all([
    loadFor(SECONDS, { ...options, method: 'POST', body: '{"amount":1}' }),
    loadFor(SECONDS, options),
  ]);
  const received = app.connections.map(({ received: text }) => text).join('');
  const postsReceived = received.split('POST ').length - 1;
  const slowest = Math.max(posts.slowest, gets.slowest);
  const outcomes = ['502 upstream_unreachable', '502 bad_upstream_response', 'cut ECONNRESET'];
  const unexpected = sum(posts.except(...outcomes)) + sum(gets.except(...outcomes));
  note({
    sent: posts.sent + gets.sent,
    failed: unexpected,
    figure: `${postsReceived} of ${posts.sent} POSTs received, slowest ${slowest.toFixed(0)} ms`,
  });
  assert.deepEqual([posts.except(...outcomes), gets.except(...outcomes)], [{}, {}]);
  assert.equal(postsReceived, posts.sent);
  assert.ok(slowest < bound(1_000), 'nobody hangs');
});

/** A service whose queue of connections is full, and which accepts no more: its kernel does not answer. */
async function startFullQueue() {
  const script = `const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    process.stdout.write(String(server.address().port));
  });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = Number(String((await once(child.stdout, 'data'))[0]));
  child.kill('SIGSTOP');
  const fillers = Array.from({ length: 8 }, () => net.connect(port, '127.0.0.1').on('error', () => undefined));
  await pause(200);
  return {
    port,
    [Symbol.dispose]: () => {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
    },
  };
}

row('half-open upstream: 504 after a second without a connection, also for those who wait in line', async (note) => {
  using silent = await startFullQueue();
  await using system = await startSystem({
    proxy: `  routes:
    - { path: /half-open, upstream: "http://127.0.0.1:${silent.port}" }
    - { path: "/**" }`,
  });
  await using others = startLoad({ ...system.good, perSecond: RATE / 2 });
  // More than one upstream has connections for.
  const report = await burst(count(400, 200), { ...system.good, path: '/half-open' });
  const served = await others.end();
  const failed = sum(report.except('504 upstream_timeout')) + sum(served.except('200'));
  note({ sent: report.sent + served.sent, failed, figure: `slowest answered after ${report.slowest.toFixed(0)} ms` });
  assert.deepEqual(report.except('504 upstream_timeout'), {});
  assert.deepEqual(served.except('200'), {});
  // A handshake for each; those in line get their turn when the first have failed.
  assert.ok(report.slowest < bound(2_000 + HANDSHAKE_MS * count(400, 200)), `${report.slowest} ms`);
});

row('slow upstream, 30 s: 504 at the limit for everybody who waits, other routes are served', async (note) => {
  await using slow = await startHandlerApp((_request, response) => {
    setTimeout(() => response.end('late'), 30_000).unref();
  });
  await using system = await startSystem({
    proxy: `  routes:
    - { path: /slow, upstream: "http://127.0.0.1:${slow.port}", timeout: 2s }
    - { path: "/**" }`,
  });
  const before = await loadFor(SECONDS / 2, system.good);
  await using others = startLoad(system.good);
  // Those that had no connection by then never reached it.
  const late = ['504 upstream_timeout', '503 upstream_overloaded'];
  const waiting = await burst(count(600, 200), { ...system.good, path: '/slow' });
  await pause(Math.max(0, SECONDS * 1_000 - waiting.slowest));
  const served = await others.end();
  note({
    sent: waiting.sent + served.sent,
    failed: sum(waiting.except(...late)) + sum(served.except('200')),
    figure: `slowest 504 after ${waiting.slowest.toFixed(0)} ms; others p99 ${served.p99.toFixed(1)} ms, before ${before.p99.toFixed(1)} ms`,
  });
  assert.deepEqual(waiting.except(...late), {});
  assert.deepEqual(served.except('200'), {});
  // A handshake for each, then the limit, looked at eight times in its course.
  assert.ok(waiting.slowest < bound(2_000 + HANDSHAKE_MS * count(600, 200)), `${waiting.slowest} ms`);
});

const MIB = 1024 * 1024;
/** That long nobody reads: what is not held back by then would have been taken into memory. */
const STANDSTILL_MS = 3_000;

interface Body {
  readonly bytes: number;
  readonly up: boolean;
  /** Nothing is read before. */
  readonly mayRead: Promise<void>;
}

/** Sends a body as fast as it is taken, or reads one. */
async function transfer({ port, client, token }: System, { bytes, up, mayRead }: Body) {
  const socket = tls.connect({ ...client, port, host: '127.0.0.1', servername: 'localhost' });
  await once(socket, 'secureConnect');
  const head = `${up ? 'POST' : 'GET'} /body HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token()}\r\nConnection: close\r\n`;
  socket.write(up ? `${head}Content-Length: ${bytes}\r\n\r\n` : `${head}\r\n`);
  const piece = Buffer.alloc(MIB, 'b');
  const toSend = up ? bytes : 0;
  for (let sent = 0; sent < toSend; sent += MIB) if (!socket.write(piece)) await once(socket, 'drain');
  await mayRead;
  let received = 0;
  let status = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    if (received === 0) status = chunk.toString('latin1', 9, 12);
    received += chunk.length;
  }
  return { status, received };
}

row('100 MB bodies with slow readers: backpressure both ways, little memory', async (note) => {
  const bytes = count(100, 24) * MIB;
  const streams = count(50, 16);
  const { promise: mayRead, resolve: read } = Promise.withResolvers<void>();
  const piece = Buffer.alloc(MIB, 'd');
  let taken = 0;
  await using app = await startHandlerApp((request, response) => {
    if (request.method === 'POST') {
      void mayRead.then(() => request.on('data', (chunk: Buffer) => (taken += chunk.length)));
      request.on('end', () => response.end('ok'));
      return;
    }
    response.writeHead(200, { 'Content-Length': bytes });
    let left = bytes / MIB;
    const more = (): void => {
      while (left > 0) {
        left -= 1;
        if (!response.write(piece)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  await using system = await startSystem({ upstreamPort: app.port });
  const before = system.residentMiB();
  const transfers = Array.from({ length: streams }, (_, index) =>
    transfer(system, { bytes, up: index % 2 === 0, mayRead }),
  );
  await pause(STANDSTILL_MS);
  const grown = system.residentMiB() - before;
  read();
  const results = await Promise.all(transfers);
  const failed = results.filter(
    ({ status, received }, index) => status !== '200' || (index % 2 === 1 && received <= bytes),
  ).length;
  const figure = `resident memory + ${grown.toFixed(0)} MiB while ${(streams * bytes) / MIB} MiB were held back`;
  note({ sent: streams, failed, figure });
  assert.equal(failed, 0);
  assert.equal(taken, (streams / 2) * bytes);
  assert.ok(grown < 64, `${grown} MiB`);
});

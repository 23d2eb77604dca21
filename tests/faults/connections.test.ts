/** More connections than there should be: slow ones, silent ones, too many. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import tls from 'node:tls';
import { until } from '../support/until.ts';
import { loadFor, startLoad, sum } from './load.ts';
import { row } from './row.ts';
import { bound, count, FULL, SECONDS } from './scale.ts';
import { SIDEGATE, type System, startSystem } from './system.ts';

interface Crowd {
  readonly open: number;
  [Symbol.dispose](): void;
}

/** Many connections that do as `each` says; it is not known beforehand which are let in. */
function crowd(size: number, each: () => net.Socket): Crowd {
  const sockets = new Set<net.Socket>();
  for (let i = 0; i < size; i += 1) {
    const socket = each();
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  }
  return {
    get open() {
      return sockets.size;
    },
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

const silent = (port: number): net.Socket => net.connect(port, '127.0.0.1');
const shaken = ({ port, client }: System): tls.TLSSocket =>
  tls.connect({ ...client, port, host: '127.0.0.1', servername: 'localhost' });

/** Sends a head byte by byte, and never its end. */
function crumbs(socket: net.Socket, ready: string): net.Socket {
  socket.once(ready, () => {
    let sent = 0;
    const head = `GET /orders HTTP/1.1\r\nHost: localhost\r\nX-Slow: ${'a'.repeat(10_000)}`;
    const drip = setInterval(() => socket.write(head[(sent += 1) - 1] ?? 'a'), FULL ? 1_000 : 200).unref();
    socket.once('close', () => clearInterval(drip));
  });
  // Else its end is never seen.
  socket.resume();
  return socket;
}

/** What the good client may have open on both sides of the sidecar, more at one time than at another. */
const GOOD = 2 * 8;

row('slowloris: each is cut at the header timeout, good traffic is served', async (note) => {
  const timeoutMs = FULL ? 10_000 : 3_000;
  await using system = await startSystem({ http: `read_timeout: ${timeoutMs}ms` });
  await using load = startLoad({ ...system.good, maxSockets: 8 });
  await until(() => load.seen('200') > 20, bound(2_000));
  const size = count(2_000, 200);
  const before = system.descriptors();
  const began = performance.now();
  let turn = 0;
  using _slow = crowd(size, () => {
    turn += 1;
    // Some never begin the handshake, some stop behind it, the others never come to the end of a head.
    if (turn % 4 === 0) return silent(system.port).resume();
    if (turn % 4 === 1) return shaken(system).resume();
    return crumbs(shaken(system), 'secureConnect');
  });
  await until(() => system.descriptors() > before + size / 2, bound(5_000));
  const most = system.descriptors() - before;
  // Counted where they cost something: a silent client may believe in a connection that the kernel dropped from a full queue.
  await until(() => system.descriptors() <= before + GOOD, bound(timeoutMs * 1.5));
  const tookMs = performance.now() - began;
  await pause(Math.max(0, SECONDS * 1_000 - tookMs));
  const left = Math.max(0, system.descriptors() - before - GOOD);
  const report = await load.end();
  note({
    sent: report.sent,
    failed: sum(report.except('200')),
    figure: `${size} slow ones, all cut after ${(tookMs / 1_000).toFixed(1)} s where the limit is ${timeoutMs / 1_000} s`,
  });
  assert.ok(most > size / 2, `${most} connections`);
  assert.equal(left, 0);
  assert.ok(tookMs > timeoutMs * 0.9, 'the limit is what cuts them');
  assert.deepEqual(report.except('200'), {});
});

/** Whoever is not let in is closed before a byte of TLS. */
const TURNED_AWAY = 'ECONNRESET';

/** The sidecar may have so many files and sockets. */
const limited = (descriptors: number): readonly [string, ...string[]] => {
  const quoted = SIDEGATE.map((word) => `'${word}'`).join(' ');
  return ['bash', '-c', `ulimit -n ${descriptors}; exec ${quoted} "$@"`, 'sidegate'];
};

row(
  'flood of connections: a cap under half of the descriptors, little memory, who was there before is served',
  async (note) => {
    const descriptors = count(20_000, 1_024);
    await using system = await startSystem({ command: limited(descriptors), http: 'read_timeout: 60s' });
    // One that is busy would open another, which is turned away like everybody else.
    await using load = startLoad({ ...system.good, maxSockets: 1 });
    await until(() => load.seen('200') > 20, bound(2_000));
    const before = system.descriptors();
    let report;
    let highest = 0;
    let mostConnections = 0;
    {
      let turn = 0;
      using flood = crowd(count(10_000, 1_000), () => ((turn += 1) % 4 === 0 ? shaken(system) : silent(system.port)));
      const until_ = performance.now() + Math.max(3, SECONDS / 2) * 1_000;
      while (performance.now() < until_) {
        await pause(200);
        highest = Math.max(highest, system.residentMiB());
        mostConnections = Math.max(mostConnections, system.descriptors() - before);
      }
      report = await load.end();
      assert.ok(flood.open > 0);
    }
    const gone = performance.now();
    let after = await loadFor(0.5, system.good);
    while (after.outcomes['200'] !== after.sent && performance.now() - gone < bound(5_000)) {
      after = await loadFor(0.5, system.good);
    }
    const recoveryMs = performance.now() - gone;
    note({
      sent: report.sent,
      failed: sum(report.except('200')),
      figure: `${mostConnections} of ${descriptors} descriptors, ${highest.toFixed(0)} MiB resident, recovered in ${recoveryMs.toFixed(0)} ms`,
    });
    assert.deepEqual(report.except('200'), {});
    assert.ok(mostConnections < descriptors / 2, `${mostConnections} connections`);
    assert.ok(highest <= 256, `${highest} MiB`);
    assert.deepEqual(after.except('200'), {});
    assert.ok(recoveryMs < bound(5_000));
  },
);

const AT_THE_LIMIT: readonly { readonly title: string; readonly args: readonly string[] }[] = [
  { title: 'descriptor limit 256: no crash, nothing but 200 and 503, all is well again within 5 s', args: [] },
  {
    title: 'descriptor limit 256, two workers: no crash, nothing but 200 and 503, all is well again within 5 s',
    args: ['--workers', '2'],
  },
];

for (const { title, args } of AT_THE_LIMIT) {
  row(title, async (note) => {
    await using system = await startSystem({ command: limited(256), args, http: 'read_timeout: 60s' });
    await using load = startLoad({ ...system.good, maxSockets: 48 });
    await until(() => load.seen('200') > 0, bound(2_000));
    let open: number;
    {
      using flood = crowd(600, () => silent(system.port));
      await until(() => flood.open < 250, bound(1_000));
      await pause(SECONDS * 250);
      open = system.descriptors();
      assert.ok(flood.open > 0 && flood.open < 250, `${flood.open} of 600 were let in`);
    }
    const gone = performance.now();
    const again = { ...system.good, maxSockets: 16 };
    let after = await loadFor(0.5, again);
    while (after.outcomes['200'] !== after.sent && performance.now() - gone < bound(5_000)) {
      after = await loadFor(0.5, again);
    }
    const recoveryMs = performance.now() - gone;
    const report = await load.end();
    const failures = report.except('200', TURNED_AWAY, '503 not_ready', '503 upstream_overloaded');
    const figure = `${open} of 256 open, recovered in ${recoveryMs.toFixed(0)} ms`;
    note({ sent: report.sent, failed: sum(failures), figure });
    assert.deepEqual(failures, {});
    assert.deepEqual(after.except('200'), {});
    assert.ok(recoveryMs < bound(5_000));
    assert.deepEqual(system.events('worker_ended'), []);
    assert.equal(await system.sidecar.end(), 0, system.sidecar.stderr());
  });
}

/** Certificates and authorities are renewed under load. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import tls from 'node:tls';
import { createTestAuthority, type TestCertificate } from '../support/certificates.ts';
import { startHttpApp } from '../support/http-app.ts';
import { issueClient, issueServer } from '../support/reloadable.ts';
import { until } from '../support/until.ts';
import { type Client, startLoad, sum } from './load.ts';
import { row } from './row.ts';
import { bound, count, RATE, SECONDS } from './scale.ts';
import { clientOf, type System, startSystem } from './system.ts';

const serialOf = ({ certPem }: TestCertificate): string => new X509Certificate(certPem).serialNumber;

interface Shown {
  readonly serial: string;
  readonly reused: boolean;
  readonly session: Buffer | undefined;
}

/** A new connection: what it is shown, or undefined when it is refused. */
function connect(port: number, client: Client, session?: Buffer): Promise<Shown | undefined> {
  return new Promise((resolve) => {
    const socket = tls.connect({ ...client, port, host: '127.0.0.1', servername: 'localhost', session });
    const refused = (): void => resolve(undefined);
    socket.once('error', refused);
    socket.once('close', refused);
    socket.once('secureConnect', () => {
      const { serialNumber: serial } = socket.getPeerCertificate();
      // A refusal of TLS 1.3 comes behind the handshake: only an answer says that the certificate was taken.
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
      socket.once('data', () => {
        resolve({ serial, reused: socket.isSessionReused(), session: socket.getSession() });
        socket.destroy();
      });
    });
  });
}

/** @returns milliseconds until a new connection is shown this certificate */
async function shownAfter(system: System, certificate: TestCertificate, client = system.client): Promise<number> {
  const began = performance.now();
  const serial = serialOf(certificate);
  while (performance.now() - began < bound(2_000)) {
    if ((await connect(system.port, client))?.serial === serial) return performance.now() - began;
    await pause(50);
  }
  return Number.POSITIVE_INFINITY;
}

row(
  'S4-029 S4-116 leaf certificate rotated, its key written later: no request fails, new serial within 2 s',
  async (note) => {
    await using system = await startSystem();
    await using load = startLoad(system.good);
    const times: number[] = [];
    for (let turn = 0; turn < count(30, 3); turn += 1) {
      const server = issueServer(system.authority);
      const began = performance.now();
      system.write('server.crt', server.certPem);
      await pause(100);
      system.write('server.key', server.keyPem);
      times.push(await shownAfter(system, server));
      await pause(Math.max(0, 2_000 - (performance.now() - began)));
    }
    const report = await load.end();
    const slowest = Math.max(...times);
    note({
      sent: report.sent,
      failed: sum(report.except('200')),
      figure: `${times.length} rotations, new serial within ${slowest.toFixed(0)} ms, generation ${system.generation()}`,
    });
    assert.deepEqual(report.except('200'), {});
    assert.ok(slowest < bound(2_000));
    assert.equal(system.generation(), 1 + times.length);
    assert.doesNotMatch(system.sidecar.stderr(), /not reloaded/);
  },
);

row('half-written pair: the old one is shown until the key is there, and it is told once', async (note) => {
  await using system = await startSystem();
  await using load = startLoad(system.good);
  const before = (await connect(system.port, system.client))?.serial;
  const server = issueServer(system.authority);
  // In its place, as no tool should write: first a part of it, then all of it, then its key.
  writeFileSync(path.join(system.root, 'server.crt'), server.certPem.slice(0, 300));
  await until(() => /cannot be read/.test(system.sidecar.stderr()), bound(2_000));
  const torn = (await connect(system.port, system.client))?.serial;
  writeFileSync(path.join(system.root, 'server.crt'), server.certPem);
  await until(() => /is not the key of/.test(system.sidecar.stderr()), bound(2_000));
  const halfway = (await connect(system.port, system.client))?.serial;
  const generation = system.generation();
  system.write('server.key', server.keyPem);
  const tookMs = await shownAfter(system, server);
  const report = await load.end();
  const told = system.sidecar.stderr().match(/not reloaded/g)?.length;
  const figure = `generation ${generation} meanwhile, told ${told} times, new serial within ${tookMs.toFixed(0)} ms`;
  note({ sent: report.sent, failed: sum(report.except('200')), figure });
  assert.deepEqual([torn, halfway, generation, told], [before, before, 1, 2]);
  assert.ok(tookMs < bound(2_000));
  assert.deepEqual(report.except('200'), {});
});

row(
  'S0-17 Kubernetes swaps the link of a certificate volume: no request fails, new serial within 2 s',
  async (note) => {
    await using system = await startSystem();
    const mount = (version: string, server: TestCertificate): void => {
      const at = (name: string): string => path.join(system.root, name);
      mkdirSync(at(version));
      writeFileSync(at(`${version}/server.crt`), server.certPem, { mode: 0o600 });
      writeFileSync(at(`${version}/server.key`), server.keyPem, { mode: 0o600 });
      symlinkSync(version, at('..data_tmp'));
      renameSync(at('..data_tmp'), at('..data'));
    };
    mount('..2026_0', issueServer(system.authority));
    for (const name of ['server.crt', 'server.key']) {
      unlinkSync(path.join(system.root, name));
      symlinkSync(`..data/${name}`, path.join(system.root, name));
    }
    await until(() => system.generation() === 2, bound(3_000));
    await using load = startLoad(system.good);
    const times: number[] = [];
    for (let turn = 1; turn <= count(30, 3); turn += 1) {
      const server = issueServer(system.authority);
      mount(`..2026_${turn}`, server);
      times.push(await shownAfter(system, server));
    }
    const report = await load.end();
    const slowest = Math.max(...times);
    note({
      sent: report.sent,
      failed: sum(report.except('200')),
      figure: `${times.length} swaps, new serial within ${slowest.toFixed(0)} ms`,
    });
    assert.deepEqual(report.except('200'), {});
    assert.ok(slowest < bound(2_000));
  },
);

row('S4-029 certificate of the egress rotated: calls go on, the target sees the new one', async (note) => {
  await using stack = new AsyncDisposableStack();
  const targetCa = createTestAuthority('zone3-CA');
  const issue = (turn: number): TestCertificate =>
    targetCa.issue({ subject: [{ CN: `order-service-${turn}` }], uris: ['spiffe://example.org/zone2/order-service'] });
  const { certPem, keyPem } = targetCa.issue({ dns: ['localhost'], eku: ['serverAuth'] });
  const names = new Set<string | undefined>();
  const target = stack.use(
    await startHttpApp(
      ({ clientName }, response) => {
        names.add(clientName);
        response.end('ok');
      },
      { cert: certPem, key: keyPem, ca: targetCa.certPem },
    ),
  );
  const first = issue(0);
  const system = stack.use(
    await startSystem({
      files: { 'egress.crt': first.certPem, 'egress.key': first.keyPem, 'target-ca.crt': targetCa.certPem },
      chapters: `egress:
  enabled: true
  addr: 127.0.0.1:0
  targets:
    data:
      url: https://localhost:${target.port}
      auth: { type: mtls }
      tls: { enabled: true, client_cert: egress.crt, client_key: egress.key, ca_cert: target-ca.crt }
  routes: [{ path_prefix: /data, target: data }]
`,
    }),
  );
  // Few connections: the target makes its handshakes in this process, and each has five seconds.
  const few = { perSecond: RATE / 2, maxSockets: 4 };
  const load = stack.use(startLoad({ port: system.egressPort, path: '/data', ...few }));
  const turns = count(30, 3);
  let slowest = 0;
  for (let turn = 1; turn <= turns; turn += 1) {
    await pause(500);
    const next = issue(turn);
    system.write('egress.crt', next.certPem);
    system.write('egress.key', next.keyPem);
    const began = performance.now();
    await until(() => names.has(`order-service-${turn}`), bound(2_000));
    slowest = Math.max(slowest, performance.now() - began);
  }
  const report = await load.end();
  const failed = sum(report.except('200'));
  note({ sent: report.sent, failed, figure: `${names.size} certificates seen, each within ${slowest.toFixed(0)} ms` });
  assert.deepEqual(report.except('200'), {});
  assert.equal(names.size, turns + 1);
});

row('CA rotation old, both, new: no request of who keeps up fails, the old CA is refused within 5 s', async (note) => {
  await using system = await startSystem();
  const next = createTestAuthority('zone2-CA-2027');
  const both = system.authority.certPem + next.certPem;
  const [oldClient, newClient] = [clientOf(issueClient(system.authority), both), clientOf(issueClient(next), both)];
  const sessionBefore = (await connect(system.port, oldClient))?.session;
  await using load = startLoad({ ...system.good, client: oldClient });
  await using late = startLoad({ ...system.good, client: oldClient, perSecond: RATE / 10 });
  const step = async (name: string, content: string): Promise<void> => {
    const generation = system.generation();
    await pause((SECONDS * 1_000) / 4);
    system.write(name, content);
    await until(() => system.generation() > generation, bound(2_000));
  };
  await step('ca.crt', both);
  load.become(newClient);
  const server = issueServer(next);
  system.write('server.key', server.keyPem);
  system.write('server.crt', server.certPem);
  await shownAfter(system, server, newClient);
  await load.settled();
  const before = late.seen('200');
  system.write('ca.crt', next.certPem);
  const removed = performance.now();
  while (
    (await connect(system.port, oldClient, sessionBefore)) !== undefined &&
    performance.now() - removed < bound(5_000)
  )
    await pause(50);
  const tookMs = performance.now() - removed;
  const resumed = await connect(system.port, newClient, sessionBefore);
  await late.settled();
  const servedLate = late.seen('200');
  await pause((SECONDS * 1_000) / 4);
  const [report, refused] = [await load.end(), await late.end()];
  note({
    sent: report.sent,
    failed: sum(report.except('200')),
    figure: `old CA refused after ${tookMs.toFixed(0)} ms, ${(refused.outcomes['200'] ?? 0) - servedLate} of its requests served later`,
  });
  assert.deepEqual(report.except('200'), {});
  assert.ok(before > 0);
  assert.ok(tookMs < bound(5_000));
  assert.equal((refused.outcomes['200'] ?? 0) - servedLate, 0);
  assert.equal(resumed?.reused, false, 'no session is resumed');
});

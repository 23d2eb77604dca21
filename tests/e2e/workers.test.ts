/** `sidegate sidecar --workers`: several processes behind one address, as a user starts them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { startHandlerApp } from '../support/handler-app.ts';
import { type SidecarProcess, startSidecarProcess } from '../support/sidecar-process.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';

const root = mkdtempSync(path.join(tmpdir(), 'sidegate-workers-'));
after(() => rmSync(root, { recursive: true, force: true }));

function start(targetPort: number, workers: string, extra = ''): Promise<SidecarProcess> {
  const config = path.join(root, 'config.yaml');
  writeFileSync(
    config,
    `service: { name: order-service }
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets: { app: { url: "http://127.0.0.1:${targetPort}" } }
  routes: [{ path_prefix: /, target: app }]
${extra}`,
  );
  return startSidecarProcess(['--config', config, '--workers', workers]);
}

const portOf = (sidecar: SidecarProcess): number => Number(sidecar.listening?.egress?.split(':').at(-1));

interface Line {
  readonly event: string;
  readonly pid?: number;
  readonly workers?: readonly number[];
}
const linesOf = (sidecar: SidecarProcess, event: string): Line[] =>
  sidecar
    .stdout()
    .split('\n')
    .filter((text) => text.includes(`"event":"${event}"`))
    .map((text) => JSON.parse(text) as Line);

/** On a connection of its own. */
async function get(port: number): Promise<number> {
  return (await sendRequest({ port }, { target: '/x' })).status;
}

describe('several workers', () => {
  test('are 1 to 64, in digits: anything else is exit 64', { timeout: 60_000 }, async () => {
    await Promise.all(
      ['0', '65', '1.5', ''].map(async (workers) => {
        await using sidecar = await start(1, workers);
        assert.equal(await sidecar.end(), 64);
        assert.match(sidecar.stderr(), /A number from 1 to 64 was expected/);
      }),
    );
  });

  test('that cannot start say why once, and exit 78', async () => {
    await using sidecar = await start(1, '2', 'nonsense: 1\n');
    assert.equal(sidecar.listening, undefined);
    assert.equal(await sidecar.end(), 78);
    assert.equal(sidecar.stderr().match(/nonsense/g)?.length, 1, sidecar.stderr());
  });

  test('answer together on the admin listener, whichever of them is asked', async () => {
    await using app = await startHandlerApp((_request, response) => response.end('ok'));
    await using sidecar = await start(app.port, '2', 'admin: { addr: "127.0.0.1:0" }\n');
    await until(() => linesOf(sidecar, 'ready').length === 1);
    const admin = Number(sidecar.listening?.admin?.split(':').at(-1));
    await Promise.all(Array.from({ length: 10 }, () => get(portOf(sidecar))));
    for (let i = 0; i < 4; i += 1) {
      const { body } = await sendRequest({ port: admin }, { target: '/metrics' });
      const counts = [
        ...body.matchAll(/^authz_requests_total\{direction="egress",.*code="ok",worker="\d+"\} (\d+)$/gm),
      ];
      assert.equal(counts.length, 2, body);
      assert.equal(
        counts.reduce((sum, [, count]) => sum + Number(count), 0),
        10,
      );
      assert.equal(body.match(/^# TYPE authz_requests_total /gm)?.length, 1);
      assert.equal((await sendRequest({ port: admin }, { target: '/ready' })).status, 200);
    }
  });

  test('are not ready while one of them does not answer', { skip: process.platform === 'win32' }, async () => {
    await using app = await startHandlerApp((_request, response) => response.end('ok'));
    await using sidecar = await start(app.port, '2', 'admin: { addr: "127.0.0.1:0" }\n');
    await until(() => linesOf(sidecar, 'ready').length === 1);
    const admin = Number(sidecar.listening?.admin?.split(':').at(-1));
    const [stopped = 0] = linesOf(sidecar, 'listening')[0]?.workers ?? [];
    process.kill(stopped, 'SIGSTOP');
    try {
      // One of two connections reaches the worker that runs.
      const answers = [1, 2].map(() => sendRequest({ port: admin }, { target: '/ready' }));
      const { status, body } = await Promise.any(answers);
      assert.equal(status, 503);
      assert.match(body, /"code":"worker_silent","detail":"worker \d does not answer"/);
      process.kill(stopped, 'SIGCONT');
      await Promise.allSettled(answers);
    } finally {
      process.kill(stopped, 'SIGCONT');
    }
  });

  test('share one address, keep every record, and end together on SIGTERM', async () => {
    await using app = await startHandlerApp((_request, response) => response.end('ok'));
    await using sidecar = await start(app.port, '2');
    await until(() => linesOf(sidecar, 'ready').length === 1);
    assert.equal(linesOf(sidecar, 'listening').length, 1, 'said once, when all of them listen');
    assert.equal(linesOf(sidecar, 'listening')[0]?.workers?.length, 2);
    const statuses = await Promise.all(Array.from({ length: 40 }, () => get(portOf(sidecar))));
    assert.deepEqual(new Set(statuses), new Set([200]));
    await until(() => linesOf(sidecar, 'request').length === 40);
    assert.equal(await sidecar.end(), 0);
    await assert.rejects(get(portOf(sidecar)));
  });

  test('finish what is under way when they are told to end', async () => {
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    let asked = 0;
    await using app = await startHandlerApp((_request, response) => {
      asked += 1;
      void mayAnswer.then(() => response.end('whole'));
    });
    await using sidecar = await start(app.port, '2');
    const underWay = Array.from({ length: 4 }, () => get(portOf(sidecar)));
    await until(() => asked === 4);
    const ended = sidecar.end();
    setTimeout(answer, 100);
    assert.deepEqual(await Promise.all(underWay), [200, 200, 200, 200]);
    assert.equal(await ended, 0);
  });

  test('a killed one takes only its own exchanges with it, and another takes its place', async () => {
    await using app = await startHandlerApp((_request, response) => setTimeout(() => response.end('ok'), 5));
    await using sidecar = await start(app.port, '2');
    await until(() => linesOf(sidecar, 'ready').length === 1);
    const port = portOf(sidecar);
    const [victim = 0] = linesOf(sidecar, 'listening')[0]?.workers ?? [];
    const agents = Array.from({ length: 8 }, () => new http.Agent({ keepAlive: true, maxSockets: 1 }));
    let failed = 0;
    let sent = 0;
    const enough = new AbortController();
    const load = agents.map(async (agent) => {
      while (!enough.signal.aborted) {
        sent += 1;
        await ask(port, agent).catch(() => (failed += 1));
      }
    });
    await until(() => sent > 100);
    process.kill(victim, 'SIGKILL');
    await until(() => linesOf(sidecar, 'worker_ready').length === 1);
    const statuses = await Promise.all(Array.from({ length: 6 }, () => get(port)));
    enough.abort();
    await Promise.all(load);
    for (const agent of agents) agent.destroy();
    assert.deepEqual(new Set(statuses), new Set([200]));
    assert.ok(failed <= agents.length, `${failed} of ${sent} failed`);
    assert.equal(await sidecar.end(), 0);
  });
});

function ask(port: number, agent: http.Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    http
      .get({ port, host: '127.0.0.1', agent, path: '/load' }, (response) => {
        response.resume();
        response.once('end', () => (response.statusCode === 200 ? resolve() : reject(new Error('not 200'))));
        response.once('error', reject);
      })
      .once('error', reject);
  });
}

/** The sidecar, or one of its workers, ends while requests are under way. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { startHandlerApp } from '../support/handler-app.ts';
import { until } from '../support/until.ts';
import { loadFor, startLoad, sum } from './load.ts';
import { row } from './row.ts';
import { bound, RATE, SECONDS } from './scale.ts';
import { type System, startSystem } from './system.ts';

/** What the sidecar gives to what is under way. */
const GRACE_MS = 10_000;

row(
  'SIGTERM under load: not ready, accepts no more, what reached the service is answered, exit 0 within the grace',
  async (note) => {
    let reached = 0;
    await using app = await startHandlerApp((_request, response) => {
      reached += 1;
      setTimeout(() => response.end('ok'), 100);
    });
    await using system = await startSystem({ upstreamPort: app.port });
    await using load = startLoad({ ...system.good, maxSockets: 64 });
    await pause(SECONDS * 500);
    const told = performance.now();
    system.sidecar.signal('SIGTERM');
    const notReady = refusedReadiness(system);
    // The second one, as supervisors send it, changes nothing.
    const exited = system.sidecar.end().then((code) => ({ code, exitMs: performance.now() - told }));
    await pause(500);
    const report = await load.end();
    const { code, exitMs } = await exited;
    const answered = report.outcomes['200'] ?? 0;
    const { allow } = system.audited();
    note({
      sent: report.sent,
      failed: reached - answered,
      figure: `${answered} of ${reached} that were under way or before answered, exit ${code} after ${exitMs.toFixed(0)} ms`,
    });
    assert.equal(answered, reached);
    assert.equal(allow, answered, 'each has its record');
    assert.match(await notReady, /^503 draining$|ECONN/);
    // Whoever came later, or had an idle connection, knows that nothing was done.
    assert.deepEqual(report.except('200', 'ECONNREFUSED', 'ECONNRESET'), {});
    assert.equal(code, 0);
    assert.ok(exitMs <= GRACE_MS, `${exitMs} ms`);
  },
);

/** What `/ready` says as soon as it is no more 200; an error when it is gone by then. */
async function refusedReadiness(system: System): Promise<string> {
  for (;;) {
    const said = await system.readiness().catch((error: unknown) => String(error));
    if (said !== '200') return said;
    await pause(10);
  }
}

row('SIGTERM with a request that never ends: cut at the end of the grace, exit 0', async (note) => {
  await using app = await startHandlerApp(() => undefined);
  await using system = await startSystem({ upstreamPort: app.port });
  const asking = loadFor(0.2, { ...system.good, perSecond: 10 });
  await pause(600);
  const told = performance.now();
  const code = await system.sidecar.end();
  const exitMs = performance.now() - told;
  const report = await asking;
  note({
    sent: report.sent,
    failed: report.outcomes['200'] ?? 0,
    figure: `exit ${code} after ${exitMs.toFixed(0)} ms`,
  });
  assert.equal(code, 0);
  assert.ok(exitMs <= GRACE_MS + bound(500), `${exitMs} ms`);
  assert.deepEqual(report.except('ECONNRESET'), {});
});

/** The processes that it has started and that have not ended. */
function childrenOf({ sidecar: { pid } }: System): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
  return text.split(' ').filter(Boolean).map(Number);
}

row('worker killed: only its own requests fail, its siblings serve, another takes its place', async (note) => {
  await using app = await startHandlerApp((_request, response) => setTimeout(() => response.end('ok'), 20));
  await using system = await startSystem({ upstreamPort: app.port, args: ['--workers', '2'] });
  const maxSockets = 16;
  await using load = startLoad({ ...system.good, maxSockets, perSecond: RATE });
  await until(() => load.seen('200') > RATE / 2, bound(3_000));
  const [victim = 0] = (system.events('listening')[0]?.['workers'] ?? []) as number[];
  const connections = await system.metric('authz_connections', 'listener="ingress",worker="1"');
  const siblings = childrenOf(system).length;
  const killed = performance.now();
  process.kill(victim, 'SIGKILL');
  await until(() => !childrenOf(system).includes(victim), bound(1_000));
  await until(() => childrenOf(system).length === siblings, bound(1_000));
  const respawnMs = performance.now() - killed;
  await until(() => system.events('worker_listening').length === 1, 60_000);
  const listensMs = performance.now() - killed;
  await pause(SECONDS * 500);
  const report = await load.end();
  const failed = sum(report.except('200'));
  const ended = system.events('worker_ended').length;
  note({
    sent: report.sent,
    failed,
    figure: `${failed} of at most ${connections} under way, respawned in ${respawnMs.toFixed(0)} ms, listens after ${listensMs.toFixed(0)} ms`,
  });
  assert.deepEqual(report.except('200', 'ECONNRESET'), {});
  assert.ok(connections > 0 && connections < maxSockets, 'both had connections');
  assert.ok(failed <= connections, `${failed} failed`);
  assert.equal(ended, 1);
  assert.equal(system.events('worker_listening').length, 1);
  assert.ok(respawnMs < bound(1_000), `${respawnMs} ms`);
  assert.deepEqual((await loadFor(0.5, system.good)).except('200'), {});
});

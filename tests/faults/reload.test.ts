/** Configuration, policies and certificates are changed while requests are served. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { issueServer } from '../support/reloadable.ts';
import { startSidecarProcess } from '../support/sidecar-process.ts';
import { until } from '../support/until.ts';
import { loadFor, startLoad, sum } from './load.ts';
import { row } from './row.ts';
import { bound, RATE, SECONDS } from './scale.ts';
import { POLICY, type System, startSystem } from './system.ts';

/** So that connections to the service are gone when they are counted. */
const SHORT_IDLE = 'idle_conn_timeout: 500ms';

const NO_HOT_RELOAD = '{ path: policies, hot_reload: false }';

interface BadChange {
  readonly title: string;
  readonly change: (system: System) => void;
  readonly mend: (system: System) => void;
}

const BAD: readonly BadChange[] = [
  {
    title: 'SIGHUP with a bad configuration: all of the old state stays, one error, one more in the metric',
    change: ({ write, config }) => write('config.yaml', config({ chapters: 'nonsense: 1' })),
    mend: ({ write, config }) => write('config.yaml', config({})),
  },
  {
    title: 'SIGHUP with a bad Rego: all of the old state stays, one error, one more in the metric',
    change: ({ write }) => write('policies/order.rego', 'package order\n\nallow if nobody\n'),
    mend: ({ write }) => write('policies/order.rego', POLICY),
  },
  {
    title: 'SIGHUP with a bad certificate: all of the old state stays, one error, one more in the metric',
    change: ({ write }) => write('server.crt', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
    mend: ({ write, authority }) => {
      const { certPem, keyPem } = issueServer(authority);
      write('server.crt', certPem);
      write('server.key', keyPem);
    },
  },
];

for (const { title, change, mend } of BAD) {
  row(title, async (note) => {
    await using system = await startSystem();
    await using load = startLoad(system.good);
    change(system);
    system.sidecar.signal('SIGHUP');
    const told = (): number => system.sidecar.stderr().match(/not reloaded/g)?.length ?? 0;
    await until(() => told() > 0, bound(2_000));
    await pause((SECONDS * 1_000) / 2);
    const [failures, generation, errors] = [
      await system.metric('authz_config_reloads_total', 'result="failure"'),
      system.generation(),
      told(),
    ];
    mend(system);
    system.sidecar.signal('SIGHUP');
    await until(() => system.generation() === 2, bound(2_000));
    const report = await load.end();
    const figure = `generation ${generation}, ${errors} error, metric + ${failures}`;
    note({ sent: report.sent, failed: sum(report.except('200')), figure });
    assert.deepEqual(report.except('200'), {});
    assert.deepEqual({ generation, errors, failures }, { generation: 1, errors: 1, failures: 1 });
    assert.equal(system.generation(), 2, 'mending it is enough');
  });
}

row('SIGHUP with a good configuration every second: no request fails, no descriptor is left', async (note) => {
  await using system = await startSystem({ policy: NO_HOT_RELOAD, upstream: SHORT_IDLE });
  await loadFor(0.5, system.good);
  await pause(2_000);
  const before = system.descriptors();
  await using load = startLoad(system.good);
  const reload = async (turn: number): Promise<void> => {
    system.write('config.yaml', system.config({ upstream: `${SHORT_IDLE}, timeout: ${30 + turn}s` }));
    system.write('policies/order.rego', `${POLICY}\n# ${turn}\n`);
    const generation = system.generation();
    system.sidecar.signal('SIGHUP');
    await until(() => system.generation() > generation, bound(2_000));
  };
  const turns = Math.max(6, SECONDS);
  for (let turn = 1; turn <= turns; turn += 1) {
    await reload(turn % 2);
    await pause(1_000);
  }
  const report = await load.end();
  // A generation that was replaced closes what it had ten seconds later.
  await pause(12_000);
  const after = system.descriptors();
  const figure = `${system.generation() - 1} reloads, ${after - before} more descriptors`;
  note({ sent: report.sent, failed: sum(report.except('200')), figure });
  assert.deepEqual(report.except('200'), {});
  assert.equal(system.generation(), 1 + turns);
  assert.equal(after - before, 0);
});

row(
  'S3-048 policies and certificates change in one place: all who read it take them over, no process is started anew',
  async (note) => {
    await using system = await startSystem();
    await using second = await startSidecarProcess(['--config', path.join(system.root, 'config.yaml')]);
    const port = Number(second.listening?.ingress?.split(':').at(-1));
    const reloads = (): number => second.stdout().match(/"event":"reloaded"/g)?.length ?? 0;
    await until(() => second.stdout().includes('"event":"ready"'), bound(3_000));
    await using first = startLoad({ ...system.good, perSecond: RATE / 2 });
    await using other = startLoad({ ...system.good, port, perSecond: RATE / 2 });
    const pids = [system.sidecar.pid, second.pid];
    const server = issueServer(system.authority);
    system.write('server.crt', server.certPem);
    system.write('server.key', server.keyPem);
    await until(() => system.generation() === 2 && reloads() === 1, bound(3_000));
    await pause(200);
    const [served, servedOther] = [await first.end(), await other.end()];
    system.write('policies/order.rego', POLICY.replace('user-123', 'user-456'));
    await until(() => system.generation() === 3 && reloads() === 2, bound(3_000));
    const denied = await loadFor(SECONDS / 4, system.good);
    const deniedOther = await loadFor(SECONDS / 4, { ...system.good, port });
    const unexpected =
      sum(served.except('200')) +
      sum(servedOther.except('200')) +
      sum(denied.except('403 policy_denied')) +
      sum(deniedOther.except('403 policy_denied'));
    note({
      sent: served.sent + servedOther.sent + denied.sent + deniedOther.sent,
      failed: unexpected,
      figure: `2 sidecars, ${system.generation()} and ${reloads() + 1} generations, the same processes`,
    });
    assert.equal(unexpected, 0);
    assert.deepEqual([system.generation(), reloads()], [3, 2]);
    assert.deepEqual([system.sidecar.pid, second.pid], pids);
  },
);

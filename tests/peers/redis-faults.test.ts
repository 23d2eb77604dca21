/** The real Redis ends and comes back under load: a row of docs/faults.md that needs another program. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { egressChapter, granted } from '../faults/egress.ts';
import { type LoadReport, startLoad, sum } from '../faults/load.ts';
import { row } from '../faults/row.ts';
import { bound, RATE, SECONDS } from '../faults/scale.ts';
import { startSystem } from '../faults/system.ts';
import { startHttpApp, valuesOf } from '../support/http-app.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import { REPLICA_SECRETS } from '../support/token-replica.ts';
import { until } from '../support/until.ts';
import { withoutRedis } from './redis-binary.ts';
import { startRedisServer } from './redis-server.ts';

/** Renewed after half of it. */
const LIFE_SECONDS = 2;

row(
  'token store (Redis) down: each replica asks for itself, no call fails, they share again when it is back',
  async (note) => {
    await using stack = new AsyncDisposableStack();
    const password = REPLICA_SECRETS.REDIS;
    const redis = await startRedisServer(password);
    stack.defer(() => redis[Symbol.asyncDispose]());
    let issued = 0;
    const endpoint = stack.use(await startTokenEndpoint(() => granted(LIFE_SECONDS, `token.number.${(issued += 1)}`)));
    const target = stack.use(await startHttpApp());
    const store = `  token_store: { type: redis, redis: { address: "127.0.0.1:${redis.port}", password: "\${REDIS}" } }`;
    const options = {
      env: { SECRET: REPLICA_SECRETS.CLIENT, REDIS: password },
      chapters: `${egressChapter({ data: { url: `http://127.0.0.1:${target.port}`, tokenUrl: endpoint.url } })}${store}\n`,
    };
    const systems = [stack.use(await startSystem(options)), stack.use(await startSystem(options))];
    const loads = systems.map(({ egressPort }) =>
      stack.use(startLoad({ port: egressPort, path: '/data', perSecond: RATE / 4 })),
    );
    const askedDuring = async (seconds: number): Promise<number> => {
      const before = issued;
      await pause(seconds * 1_000);
      return issued - before;
    };
    const shared = await askedDuring(SECONDS);
    await redis[Symbol.asyncDispose]();
    const alone = await askedDuring(SECONDS);
    const back = stack.use(await startRedisServer(password, redis.port));
    const returned = performance.now();
    const keys = async (): Promise<number> => Number(/^:(\d+)/m.exec(await back.ask('DBSIZE'))?.[1] ?? 0);
    while ((await keys()) === 0 && performance.now() - returned < bound(2_000)) await pause(50);
    const recoveryMs = performance.now() - returned;
    const again = await askedDuring(SECONDS);
    const reports: LoadReport[] = [];
    for (const load of loads) reports.push(await load.end());
    note({
      sent: reports.reduce((total, { sent }) => total + sent, 0),
      failed: reports.reduce((total, report) => total + sum(report.except('200')), 0),
      figure: `asked ${shared}, ${alone}, ${again} times before, during, after; shared again after ${recoveryMs.toFixed(0)} ms`,
    });
    for (const report of reports) assert.deepEqual(report.except('200'), {});
    assert.ok(alone > shared && alone > again, 'what was shared was asked for by each');
    assert.ok(recoveryMs < bound(2_000));
    const sent = new Set(target.seen.flatMap(({ rawHeaders }) => valuesOf(rawHeaders, 'authorization')));
    assert.ok(sent.size <= issued, 'none that was not issued');
    for (const { sidecar } of systems) {
      await until(() => sidecar.stderr().includes('Redis is away'));
      assert.equal(sidecar.stderr().split('Redis is away').length - 1, 1, 'told once');
    }
  },
  { skip: withoutRedis() },
);

/** Nothing is broken: what the other rows are compared with, and what stays behind after many requests. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { loadFor, startLoad, sum } from './load.ts';
import { row } from './row.ts';
import { RATE, SECONDS } from './scale.ts';
import { startSystem } from './system.ts';

row(
  'nothing: good and hostile requests side by side, none fails, each has its record, no descriptor is left',
  async (note) => {
    await using system = await startSystem({ upstream: 'idle_conn_timeout: 500ms' });
    const idle = async (): Promise<number> => {
      await pause(2_000);
      return system.descriptors();
    };
    await loadFor(0.5, system.good);
    const before = await idle();
    const hostile = { ...system.good, perSecond: RATE / 10 };
    const loads = [
      startLoad(system.good),
      startLoad({ ...hostile, token: () => `${system.token().slice(0, -4)}AAAA` }),
      startLoad({ ...hostile, token: () => system.token({ aud: 'other' }) }),
      startLoad({ ...hostile, path: '/a%2f..%2fb' }),
      startLoad({ ...hostile, method: 'DELETE' }),
    ];
    await pause(SECONDS * 1_000);
    const [good, ...refused] = await Promise.all(loads.map((load) => load.end()));
    const delta = (await idle()) - before;
    const warm = system.app.seen.length - (good?.sent ?? 0);
    const { allow, deny } = system.audited();
    const sent = [good, ...refused].reduce((total, report) => total + (report?.sent ?? 0), 0);
    const unexpected = sum(good?.except('200') ?? {});
    note({
      sent,
      failed: unexpected,
      figure: `p99 ${good?.p99.toFixed(1)} ms, ${allow} + ${deny} records, ${delta} more descriptors, ${system.residentMiB().toFixed(0)} MiB`,
    });
    assert.deepEqual(good?.except('200'), {});
    const EXPECTED = [
      '401 token_signature_invalid',
      '401 token_aud_mismatch',
      '400 path_ambiguous',
      '403 policy_denied',
    ];
    for (const [index, report] of refused.entries()) assert.deepEqual(report.except(EXPECTED[index] ?? ''), {});
    assert.deepEqual([allow, allow + deny], [(good?.sent ?? 0) + warm, sent + warm]);
    assert.equal(delta, 0);
  },
);

/** Nobody takes the audit records. */
import assert from 'node:assert/strict';
import { readFileSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { until } from '../support/until.ts';
import { startLoad, sum } from './load.ts';
import { row } from './row.ts';
import { bound, count, FULL } from './scale.ts';
import { SIDEGATE, startSystem } from './system.ts';

/** A file of the sidecar may have so many KiB: beyond, its disk is full. */
const withFileLimit = (kib: number): readonly [string, ...string[]] => {
  const quoted = SIDEGATE.map((word) => `'${word}'`).join(' ');
  return ['bash', '-c', `ulimit -f ${kib}; exec ${quoted} "$@"`, 'sidegate'];
};

const FILE = 'export: { stdout: { enabled: false }, file: { path: audit.jsonl } }';
const DISK_KIB = count(4_096, 64);

row(
  'audit disk full, required: 503 audit_unavailable, nothing is allowed without its record, served again when there is room',
  async (note) => {
    await using system = await startSystem({ command: withFileLimit(DISK_KIB), audit: `{ mode: required, ${FILE} }` });
    await using load = startLoad(system.good);
    await until(() => load.seen('503 audit_unavailable') > count(500, 50), FULL ? 60_000 : 20_000);
    const full = system.audited();
    const served = load.seen('200');
    const refused = load.seen('503 audit_unavailable');
    truncateSync(path.join(system.root, 'audit.jsonl'), 0);
    await until(() => load.seen('200') > served + 20, bound(3_000));
    const report = await load.end();
    const later = system.audited();
    const unaudited = (report.outcomes['200'] ?? 0) - full.allow - later.allow;
    note({
      sent: report.sent,
      failed: sum(report.except('200', '503 audit_unavailable')),
      figure: `${refused} × 503 while it was full, ${unaudited} allowed without a record`,
    });
    assert.ok(refused > 0);
    assert.ok((report.outcomes['200'] ?? 0) > served, 'served again');
    assert.deepEqual(report.except('200', '503 audit_unavailable'), {});
    assert.equal(unaudited, 0);
  },
);

row('audit disk full, best_effort: all is served, what is lost is counted exactly', async (note) => {
  await using system = await startSystem({ command: withFileLimit(DISK_KIB), audit: `{ mode: best_effort, ${FILE} }` });
  // Beyond what waits in memory, 1 MiB.
  const path_ = `/orders/${'a'.repeat(4_000)}`;
  await using load = startLoad({ ...system.good, path: path_ });
  await until(() => load.sent >= count(10_000, 500), 60_000);
  const report = await load.end();
  const whileRunning = await system.metric('authz_audit_records_dropped_total', 'sink="file"');
  assert.equal(await system.sidecar.end(), 0);
  const kept = readFileSync(path.join(system.root, 'audit.jsonl'), 'latin1').split('\n').filter(isWhole).length;
  const [, lost = '0'] = /"dropped":\{"file":(\d+)\}/.exec(system.sidecar.stderr()) ?? [];
  note({
    sent: report.sent,
    failed: sum(report.except('200')),
    figure: `${kept} kept + ${lost} lost = ${kept + Number(lost)}; ${whileRunning} counted before the end`,
  });
  assert.deepEqual(report.except('200'), {});
  assert.equal(kept + Number(lost), report.sent);
  assert.ok(whileRunning > 0 && whileRunning <= Number(lost));
});

function isWhole(line: string): boolean {
  return line.endsWith('}');
}

/** The wall clock of a sidecar jumps, as when its machine's time is set. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startHttpApp, valuesOf } from '../support/http-app.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import { until } from '../support/until.ts';
import { egressChapter, granted, SECRET } from './egress.ts';
import { type LoadReport, loadFor, startLoad, sum } from './load.ts';
import { row } from './row.ts';
import { bound, RATE, SECONDS } from './scale.ts';
import { SIDEGATE, startSystem } from './system.ts';

const MINUTE_MS = 60_000;
const STEPS_MS = [5 * MINUTE_MS, -5 * MINUTE_MS, 60 * MINUTE_MS, 0, -60 * MINUTE_MS];
const LIFE_SECONDS = 2;

row('clock ± 5 min, ± 1 h: an expired token is never accepted again, nor sent; good ones pass', async (note) => {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(path.join(tmpdir(), 'sidegate-clock-'));
  stack.defer(() => rmSync(folder, { recursive: true }));
  const offsetFile = path.join(folder, 'offset');
  const issuedAt = new Map<string, number>();
  let oldestMs = 0;
  const endpoint = stack.use(
    await startTokenEndpoint(() => {
      const token = `token.number.${issuedAt.size}`;
      issuedAt.set(`Bearer ${token}`, performance.now());
      return granted(LIFE_SECONDS, token);
    }),
  );
  const target = stack.use(
    await startHttpApp(({ rawHeaders }, response) => {
      const [credential = ''] = valuesOf(rawHeaders, 'authorization');
      oldestMs = Math.max(oldestMs, performance.now() - (issuedAt.get(credential) ?? Number.NEGATIVE_INFINITY));
      response.end('ok');
    }),
  );
  const [node = '', ...source] = SIDEGATE;
  const system = stack.use(
    await startSystem({
      command: [node, '--import', import.meta.resolve('./stepped-clock.ts'), ...source],
      env: { ...SECRET, CLOCK_OFFSET_FILE: offsetFile },
      jwt: '  validation: { clock_skew: 0s }',
      chapters: egressChapter({ data: { url: `http://127.0.0.1:${target.port}`, tokenUrl: endpoint.url } }),
    }),
  );
  let offsetMs = 0;
  const now = (): number => Math.floor((Date.now() + offsetMs) / 1_000);
  const step = async (ms: number): Promise<void> => {
    const before = system.events('clock_stepped').length;
    writeFileSync(offsetFile, String(ms));
    system.sidecar.signal('SIGUSR2');
    await until(() => system.events('clock_stepped').length > before, bound(2_000));
    offsetMs = ms;
  };

  // Valid for almost an hour before it expires, so that every clock between would take it for good.
  const expiring = system.token({ iat: now() - 3_590, exp: now() + LIFE_SECONDS });
  const withExpiring = { ...system.good, perSecond: RATE / 2, token: () => expiring };
  const first = startLoad(withExpiring);
  await until(() => first.seen('401 token_expired') > 0, bound(5_000));
  const { outcomes: atFirst } = await first.end();
  const old = stack.use(startLoad(withExpiring));
  const reports: LoadReport[] = [];
  for (const ms of STEPS_MS) {
    await step(ms);
    const fresh = system.token({ iat: now() - 1, exp: now() + 300 });
    const good = startLoad({ ...system.good, perSecond: RATE / 2, token: () => fresh });
    const calls = startLoad({ port: system.egressPort, path: '/data', perSecond: RATE / 4 });
    await pause((SECONDS * 1_000) / STEPS_MS.length);
    reports.push(await good.end(), await calls.end());
  }
  const expired = await old.end();
  // An hour early by its clock; by the kernel's, the life of every token is over.
  endpoint.answer = () => 'reset';
  await pause(LIFE_SECONDS * 1_000);
  const late = await loadFor(0.5, { port: system.egressPort, path: '/data', perSecond: RATE / 4 });
  const accepted = expired.outcomes['200'] ?? 0;
  const failed = reports.reduce(
    (total, report) => total + sum(report.except('200')),
    sum(late.except('503 idp_unavailable')),
  );
  note({
    sent: expired.sent + reports.reduce((total, { sent }) => total + sent, 0),
    failed,
    figure: `${accepted} false accepts, oldest token sent ${oldestMs.toFixed(0)} of ${LIFE_SECONDS * 1_000} ms`,
  });
  assert.ok((atFirst['200'] ?? 0) > 0, 'it was good once');
  assert.deepEqual(expired.except('401 token_expired', '401 token_not_yet_valid'), {});
  for (const report of reports) assert.deepEqual(report.except('200'), {});
  assert.deepEqual(late.except('503 idp_unavailable'), {});
});

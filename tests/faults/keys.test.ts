/** The keys of an issuer change while its tokens are in use. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { bytes } from '../support/jwks-server.ts';
import { createSigningKey, keySetBytes, type SigningKey } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { loadFor, startLoad, sum } from './load.ts';
import { row } from './row.ts';
import { bound, RATE, SECONDS } from './scale.ts';
import { startSystem } from './system.ts';

/** Read again within that time. */
const REFRESH = '  jwks_refresh_interval: 1s';

row('S4-098 JWKS rotation every second: tokens signed before, during and after it pass', async (note) => {
  await using system = await startSystem({ jwt: REFRESH });
  /** Published, oldest first; one signs once every reader has read it, and goes when nobody signs with it. */
  const published: SigningKey[] = [system.issuerKey];
  const tokens = [system.token()];
  let signed = 0;
  await using load = startLoad({ ...system.good, token: () => tokens[(signed += 1) % tokens.length] ?? '' });
  let rotations = 0;
  const rotate = (): void => {
    rotations += 1;
    published.push(createSigningKey('ES256', `rotated-${rotations}`));
    // Two intervals after it was published.
    const key = published.at(-3);
    if (key !== undefined) tokens.push(system.token({}, { key }));
    if (tokens.length > 3) tokens.shift();
    if (published.length > 7) published.shift();
    system.jwks.answer = bytes(keySetBytes(...published.map((each) => each.jwk())));
  };
  for (let second = 0; second < Math.max(8, SECONDS); second += 1) {
    rotate();
    await pause(1_000);
  }
  const report = await load.end();
  note({
    sent: report.sent,
    failed: sum(report.except('200')),
    figure: `${rotations} rotations, ${system.jwks.requests.length} times read`,
  });
  assert.deepEqual(report.except('200'), {});
});

row('signing key removed: its tokens are refused within the refresh interval, the others pass', async (note) => {
  await using system = await startSystem({ jwt: REFRESH });
  const other = createSigningKey('ES256', 'users-2');
  system.jwks.answer = bytes(keySetBytes(system.issuerKey.jwk(), other.jwk()));
  const read = system.jwks.requests.length;
  await until(() => system.jwks.requests.length > read, 10_000);
  await pause(200);
  const [old, kept] = [system.token(), system.token({}, { key: other })];
  await using ofOld = startLoad({ ...system.good, perSecond: RATE / 2, token: () => old });
  await using ofKept = startLoad({ ...system.good, perSecond: RATE / 2, token: () => kept });
  await pause((SECONDS * 1_000) / 4);
  system.jwks.answer = bytes(keySetBytes(other.jwk()));
  const removed = performance.now();
  await until(() => ofOld.seen('401 token_key_not_found') > 0, bound(2_000));
  const tookMs = performance.now() - removed;
  const during = await ofOld.end();
  const after = await loadFor(SECONDS / 2, { ...system.good, perSecond: RATE / 2, token: () => old });
  const served = await ofKept.end();
  const refusal = '401 token_key_not_found';
  note({
    sent: during.sent + after.sent + served.sent,
    failed: sum(served.except('200')) + sum(during.except('200', refusal)) + sum(after.except(refusal)),
    figure: `refused after ${tookMs.toFixed(0)} ms where keys are read every second`,
  });
  assert.deepEqual([during.except('200', refusal), after.except(refusal), served.except('200')], [{}, {}, {}]);
  assert.ok(tookMs < bound(2_000));
});

/** Everything that can be rotated is rotated, while calls go through three hops of mutual TLS and tokens. */
import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { type Chain, SERVICES, startChain, WITH_SECRET } from './chain.ts';
import { startLoad, sum } from './load.ts';
import { row } from './row.ts';
import { FULL, RATE, SECONDS } from './scale.ts';

const STEP_MS = 60_000;
/** One zone after another has its intermediate replaced, and with it the certificate of its sidecar. */
const EVERY_MS = FULL ? 2_000 : 5_000;

row(
  'S4-098 keys every 5 s, an intermediate with its leaf every 2 s, secret and root once, through three hops with bound tokens: no request fails',
  async (note) => {
    await using chain = await startChain();
    await using load = startLoad({ port: chain.egressPort, perSecond: RATE });
    const began = performance.now();
    using leaves = watchLeaves(chain);
    await pause(2_000);

    const secret = await chain.folder.command('clients', 'rotate-secret', 'services', WITH_SECRET);
    assert.equal(secret.code, 0, secret.stderr);
    // As tools do: whoever reads sees the old one or the new one.
    const file = chain.at(WITH_SECRET, 'secret');
    writeFileSync(`${file}.new`, secret.stdout.trim(), { mode: 0o600 });
    renameSync(`${file}.new`, file);

    await using intermediates = rotateIntermediates(chain);
    for (const step of ['add', 'both', 'retire']) await rotate(chain, step);
    const latest = began + SECONDS * 1_000 + STEP_MS;
    while (performance.now() < began + SECONDS * 1_000) await pause(100);
    while (performance.now() < latest && (leaves.fewest < 2 || (await keyCount(chain)) < 3)) await pause(500);
    await intermediates.end();
    await pause(2_000);
    const report = await load.end();
    const [keys, seconds] = [await keyCount(chain), (performance.now() - began) / 1_000];
    note({
      sent: report.sent,
      failed: sum(report.except('200')),
      figure: `${keys} keys, ${leaves.count} certificates of four, ${intermediates.count} intermediates, 1 secret, 1 root, in ${seconds.toFixed(0)} s`,
    });
    assert.deepEqual(report.except('200'), {});
    assert.ok(keys >= 3, 'keys follow each other');
    assert.ok(leaves.fewest >= 2, 'certificates follow each other');
  },
);

async function keyCount({ folder }: Chain): Promise<number> {
  const { stdout } = await folder.command('keys', 'list', '--json');
  return (JSON.parse(stdout) as { keys: object[] }).keys.length;
}

/** Refused until every sidecar has the bundle of the step before. */
async function rotate({ folder }: Chain, ...step: readonly string[]): Promise<void> {
  for (const end = performance.now() + STEP_MS; ; await pause(500)) {
    const { code, stderr } = await folder.command('ca', 'rotate', ...step);
    if (code === 0) return;
    assert.ok(performance.now() < end, stderr);
  }
}

/** Whose authority signs no more is renewed at the next look, however much is left of its life. */
function rotateIntermediates({ folder }: Chain) {
  const over = new AbortController();
  let count = 0;
  const rotating = (async () => {
    for (let turn = 0, next = 0; !over.signal.aborted; await pause(100)) {
      if (performance.now() < next) continue;
      next = performance.now() + EVERY_MS;
      const { code } = await folder.command('ca', 'rotate', 'zone', SERVICES[turn % SERVICES.length] ?? '');
      // Otherwise the one before waits for somebody, or the root is being rotated.
      if (code === 0) count += 1;
      turn += 1;
    }
  })();
  const end = (): Promise<void> => {
    over.abort();
    return rotating;
  };
  return {
    get count() {
      return count;
    },
    end,
    [Symbol.asyncDispose]: end,
  };
}

/** The certificates of all sidecars, one after another. */
function watchLeaves(chain: Chain): Disposable & { readonly count: number; readonly fewest: number } {
  const seen = SERVICES.map((service) => ({ service, certificates: new Set<string>() }));
  const timer = setInterval(() => {
    for (const { service, certificates } of seen) {
      void readFile(`${chain.at(service, 'identity')}/svid.pem`, 'utf8').then(
        (pem) => certificates.add(pem),
        () => undefined,
      );
    }
  }, 200);
  const counts = (): number[] => seen.map(({ certificates }) => certificates.size);
  return {
    get count() {
      return sum(Object.fromEntries(counts().entries()));
    },
    get fewest() {
      return Math.min(...counts());
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

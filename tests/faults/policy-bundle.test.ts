/** The server of policy bundles is away. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { startBundleServer } from '../support/bundle-server.ts';
import { freePort } from '../support/free-port.ts';
import { createBundleSigner, packBundle, signFiles } from '../support/policy-bundle.ts';
import { startSidecarProcess } from '../support/sidecar-process.ts';
import { until } from '../support/until.ts';
import { loadFor, sum } from './load.ts';
import { row } from './row.ts';
import { bound, SECONDS } from './scale.ts';
import { POLICY, startSystem } from './system.ts';

const signer = createBundleSigner();

const policyAt = (port: number): string =>
  `{ path: kept.tar.gz, bundle: { enabled: true, url: "http://127.0.0.1:${port}/bundle.tar.gz", polling_interval: 1s, keys: { default: { algorithm: ES256, key_file: release.pem } } } }`;

row(
  'S3-037 policy bundle server down at the start: nothing is allowed without a policy, later starts use the last good one',
  async (note) => {
    const port = await freePort();
    await using system = await startSystem({
      policy: policyAt(port),
      files: { 'release.pem': signer.publicPem },
      ready: false,
    });
    await until(() => system.jwks.requests.length > 0, bound(2_000));
    const denied = await loadFor(SECONDS / 2, system.good);
    const { allow } = system.audited();
    const readiness = await system.readiness();
    {
      await using server = await startBundleServer(port);
      server.serve(packBundle(signFiles({ 'order.rego': POLICY }, signer)));
      await until(() => system.events('ready').length === 1, bound(3_000));
    }
    const served = await loadFor(SECONDS / 4, system.good);
    // Another start, again without the server.
    await using second = await startSidecarProcess(['--config', path.join(system.root, 'config.yaml')]);
    await until(() => second.stdout().includes('"event":"ready"'), bound(3_000));
    const kept = await loadFor(SECONDS / 4, {
      ...system.good,
      port: Number(second.listening?.ingress?.split(':').at(-1)),
    });
    const unexpected =
      sum(denied.except('403 policy_error', '503 jwks_unavailable')) +
      sum(served.except('200')) +
      sum(kept.except('200'));
    note({
      sent: denied.sent + served.sent + kept.sent,
      failed: unexpected,
      figure: `${allow} allowed without a policy`,
    });
    assert.equal(allow, 0);
    assert.equal(unexpected, 0);
    assert.match(readiness, /503 policy_missing/);
  },
);

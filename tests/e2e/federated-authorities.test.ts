/** Two authorities of two trust domains, and sidecars enrolled at one of them: `GET /ca/bundles` is how the bundle of the other one comes. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { type CallerPair, callOnce, type EnrolledSidecar, startEnrolledSystem } from '../support/enrolled-sidecar.ts';
import { until } from '../support/until.ts';

const PARTNER = 'partner.example';
const WAIT_MS = 40_000;

/** 0: the handshake fails. */
async function statusOf({ port }: EnrolledSidecar, bundle: string, pair: CallerPair): Promise<number> {
  return callOnce(port, bundle, pair).then(
    ({ status }) => status,
    () => 0,
  );
}

test('S4-083 S4-014 an enrolled sidecar lets in the workloads of a partner that it names, and still refuses a workload of its own that was revoked', async () => {
  await using partner = await startEnrolledSystem({ trustDomain: PARTNER });
  await using system = await startEnrolledSystem({ federation: { [PARTNER]: await partner.bundle() } });
  await using unnamed = await system.sidecar({ service: 'stock-service', validFor: '1h' });
  const tls = `, client_trust_domains: [${PARTNER}]`;
  await using named = await system.sidecar({ service: 'order-service', validFor: '1h', tls });
  const bundle = await named.file('bundle.pem');
  const [billing, web, kept] = [
    await partner.caller('billing'),
    await system.caller('web'),
    await system.caller('kept'),
  ];
  assert.equal(await statusOf(unnamed, bundle, billing), 0, 'that the authority federates with it is not enough');
  assert.equal(await statusOf(unnamed, bundle, web), 200);
  assert.equal(await statusOf(named, bundle, billing), 200, named.process.stderr());
  assert.equal(await statusOf(named, bundle, web), 200);
  await system.ca('revoke', new X509Certificate(web.certPem).serialNumber);
  await until(async () => (await statusOf(named, bundle, web)) !== 200, WAIT_MS);
  assert.equal(await statusOf(named, bundle, web), 403);
  assert.equal(await statusOf(named, bundle, kept), 200);
  assert.equal(await statusOf(named, bundle, billing), 200);
});

test('S4-088 the partner changes its root, and its workloads are let in by the new one without a restart', async () => {
  await using partner = await startEnrolledSystem({ trustDomain: PARTNER });
  await using system = await startEnrolledSystem({ federation: { [PARTNER]: await partner.bundle() } });
  const tls = `, client_trust_domains: [${PARTNER}]`;
  await using named = await system.sidecar({ service: 'order-service', validFor: '1h', tls });
  const bundle = await named.file('bundle.pem');
  const before = await partner.caller('before');
  await partner.ca('rotate', 'add');
  await system.folder.write(`${PARTNER}.json`, await partner.bundle());
  await partner.ca('rotate', 'both');
  const after = await partner.caller('after');
  await until(async () => (await statusOf(named, bundle, after)) === 200, WAIT_MS);
  assert.deepEqual([await statusOf(named, bundle, before), await statusOf(named, bundle, after)], [200, 200]);
});

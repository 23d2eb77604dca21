/** `authz_certificate_not_after_seconds` and `authz_connections`, of a sidecar that has certificates and clients. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { startOrderSidecar } from '../security/order-sidecar.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { startTestSidecar } from '../support/sidecar.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';

const ADMIN = 'admin: { addr: "127.0.0.1:0" }';

async function samples(adminPort: number, name: string): Promise<Readonly<Record<string, number>>> {
  const { body } = await sendRequest({ port: adminPort }, { target: '/metrics' });
  const found = body.matchAll(new RegExp(`^${name}\\{\\w+="([^"]*)"\\} (.+)$`, 'gm'));
  return Object.fromEntries(Array.from(found, ([, label = '', value]) => [label, Number(value)]));
}

const NOT_AFTER = 'authz_certificate_not_after_seconds';

test('without a certificate nothing is said to expire', async () => {
  await using sidecar = await startTestSidecar({ yaml: `service: { name: a }\n${ADMIN}`, files: {} });
  assert.deepEqual(await samples(sidecar.adminPort, NOT_AFTER), {});
});

test('the certificate of the listener and of each target that has one, by when they expire', async () => {
  const zone = createTestAuthority('zone3-CA');
  const notAfter = new Date('2027-01-02T03:04:05Z');
  const client = zone.issue({ uris: ['spiffe://example.org/zone2/order-service'], notAfter });
  await using sidecar = await startTestSidecar({
    yaml: `service: { name: a }
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets:
    plain: { url: "http://127.0.0.1:1" }
    data:
      url: "https://data-service:8443"
      tls: { enabled: true, client_cert: /c.crt, client_key: /c.key, ca_cert: /ca.crt }
${ADMIN}`,
    files: { '/c.crt': client.certPem, '/c.key': client.keyPem, '/ca.crt': zone.certPem },
  });
  assert.deepEqual(await samples(sidecar.adminPort, NOT_AFTER), { 'egress.targets.data': notAfter.getTime() / 1000 });

  await using order = await startOrderSidecar({ chapters: ADMIN });
  const { http = 0, ...others } = await samples(order.sidecar.adminPort, NOT_AFTER);
  assert.deepEqual(others, {});
  assert.ok(http * 1000 > Date.now() && http * 1000 < Date.now() + 2 * 86_400_000, `${http}`);
});

test('connections are counted while they are open, also those that say nothing', async () => {
  await using order = await startOrderSidecar({ chapters: ADMIN });
  const open = async (): Promise<number> =>
    (await samples(order.sidecar.adminPort, 'authz_connections'))['ingress'] ?? -1;
  assert.equal(await open(), 0);
  const silent = [1, 2].map(() => net.connect(order.sidecar.ingressPort, '127.0.0.1').on('error', () => undefined));
  await until(() => silent.every(({ readyState }) => readyState === 'open'));
  for (let i = 0; i < 100 && (await open()) !== 2; i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(await open(), 2);
  for (const socket of silent) socket.destroy();
  for (let i = 0; i < 100 && (await open()) !== 0; i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(await open(), 0);
});

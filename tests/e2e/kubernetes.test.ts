/** The manifests of examples/kubernetes, run as processes on this machine: order-service → sidecar → mutual TLS → sidecar → payment-service. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { type Client, startLoad } from '../faults/load.ts';
import { createTestAuthority, type TestCertificate } from '../support/certificates.ts';
import { type Manifest, readManifests, specOf } from '../support/manifests.ts';
import { type Pod, type SecretData, startPod } from '../support/pod.ts';
import { until } from '../support/until.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const authority = createTestAuthority('internal-ca');
const scratch = mkdtempSync(path.join(tmpdir(), 'sidegate-pods-'));
chmodSync(scratch, 0o755);
const stack = new AsyncDisposableStack();
after(async () => {
  await stack.disposeAsync();
  rmSync(scratch, { recursive: true, force: true });
});

let manifests: readonly Manifest[] = [];
let order: Pod;
let payment: Pod;

before(async () => {
  const main = path.join(ROOT, 'packages/sidegate/src/cli/main.ts');
  const out = path.join(scratch, 'manifests');
  const args = ['generate', 'kubernetes', path.join(ROOT, 'examples/kubernetes'), '--out', out];
  execFileSync(process.execPath, ['--conditions=@sidegate/source', main, ...args], { stdio: 'pipe' });
  manifests = readdirSync(out).flatMap((name) => readManifests(readFileSync(path.join(out, name), 'utf8')));
  payment = await start('payment-service', new Map());
  order = await start('order-service', new Map([[addressOf('payment-service'), payment.ingressPort]]));
});

async function start(service: string, names: ReadonlyMap<string, number>): Promise<Pod> {
  const root = path.join(scratch, service);
  mkdirSync(root);
  const secrets = new Map([[`${service}-tls`, issued(service).data]]);
  return stack.use(await startPod({ manifests, service, root, secrets, names }));
}

/** What cert-manager makes of the Certificate in the manifests. */
function issued(service: string): { readonly data: SecretData; readonly certificate: TestCertificate } {
  const { dnsNames, uris } = specOf(manifests, 'Certificate', `${service}-tls`) as CertificateSpec;
  const certificate = authority.issue({ dns: dnsNames, uris, eku: ['serverAuth', 'clientAuth'] });
  const { certPem, keyPem } = certificate;
  return { data: { 'tls.crt': certPem, 'tls.key': keyPem, 'ca.crt': authority.certPem }, certificate };
}

function addressOf(service: string): string {
  const { ports } = specOf(manifests, 'Service', service) as { readonly ports: readonly { readonly port: number }[] };
  return `${service}.production.svc.cluster.local:${ports[0]?.port}`;
}

interface CertificateSpec {
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
}

const account = (name: string): string => `spiffe://cluster.local/ns/production/sa/${name}`;
const clientOf = (name: string, by = authority): Client => {
  const { certPem, keyPem } = by.issue({ uris: [account(name)] });
  return { ca: authority.certPem, cert: certPem, key: keyPem };
};

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly client?: Partial<Client>;
}

function ask(pod: Pod, service: string, { method = 'POST', path: wanted = '/orders', client }: Asked) {
  return new Promise<{ readonly status: number | undefined; readonly body: string }>((resolve, reject) => {
    const servername = `${service}.production.svc.cluster.local`;
    const options = { method, path: wanted, port: pod.ingressPort, host: '127.0.0.1', servername, agent: false };
    const request = https.request({ ca: authority.certPem, ...options, ...client }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    request.on('error', reject).end();
  });
}

describe('who is not to call does not get through', () => {
  test('without a certificate, or with one of another authority, the handshake fails', async () => {
    const stranger = clientOf('checkout-service', createTestAuthority('another-ca'));
    for (const asked of [{}, { client: stranger }]) await assert.rejects(ask(order, 'order-service', asked));
  });

  for (const [title, pod, service, asked] of [
    ['a service that is on no list', () => order, 'order-service', { client: 'payment-service', path: '/orders' }],
    [
      'a client of order-service, at payment-service',
      () => payment,
      'payment-service',
      { client: 'checkout-service', path: '/payments' },
    ],
  ] as const) {
    test(title, async () => {
      const { status } = await ask(pod(), service, { path: asked.path, client: clientOf(asked.client) });
      assert.equal(status, 403);
    });
  }

  test('a client of the list, with a method that no route has, or that the policy does not allow', async () => {
    const checkout = clientOf('checkout-service');
    assert.equal((await ask(order, 'order-service', { method: 'DELETE', client: checkout })).status, 405);
    const denied = await ask(payment, 'payment-service', {
      method: 'GET',
      path: '/payments',
      client: clientOf('order-service'),
    });
    assert.equal(denied.status, 403);
  });
});

test('the probes of the manifests are answered', async () => {
  for (const pod of [order, payment]) {
    for (const probe of ['/live', '/ready']) {
      assert.equal((await fetch(`http://127.0.0.1:${pod.adminPort}${probe}`)).status, 200);
    }
  }
});

test('S0-09 order-service pays through both sidecars, which know each other by certificate', async () => {
  const answer = await ask(order, 'order-service', { client: clientOf('checkout-service') });
  assert.deepEqual([answer.status, answer.body], [201, '{"paid":true}']);
  const records = (pod: Pod) =>
    pod.sidecar
      .stdout()
      .split('\n')
      .filter((line) => line.includes('"direction":"ingress"') && line.includes('"status":201'));
  await until(() => records(payment).length === 1 && records(order).length === 1);
  const [paid] = records(payment);
  const { peer } = JSON.parse(paid ?? '{}') as { readonly peer?: { readonly spiffe_id?: string } };
  assert.equal(peer?.spiffe_id, account('order-service'));
});

test('S4-094 a changed Secret is shown without a restart of the pod, and no request is lost', async () => {
  await using load = startLoad({
    port: order.egressPort,
    path: '/payments',
    method: 'POST',
    body: '{}',
    perSecond: 40,
  });
  await until(() => load.seen('201') > 5, 10_000);
  for (let turn = 0; turn < 3; turn += 1) {
    for (const [pod, service] of [
      [payment, 'payment-service'],
      [order, 'order-service'],
    ] as const) {
      const { data, certificate } = issued(service);
      pod.changeSecret(`${service}-tls`, data);
      const { serialNumber } = new X509Certificate(certificate.certPem);
      await until(async () => (await shownSerial(pod)) === serialNumber, 10_000);
    }
  }
  const seen = load.seen('201');
  await until(() => load.seen('201') > seen + 5, 10_000);
  const report = await load.end();
  assert.deepEqual(report.except('201'), {});
  for (const pod of [order, payment]) assert.doesNotMatch(pod.sidecar.stderr(), /not reloaded/);
});

function shownSerial({ ingressPort }: Pod): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      ...clientOf('order-service'),
      port: ingressPort,
      host: '127.0.0.1',
      checkServerIdentity: () => undefined,
    };
    const socket = tls.connect(options, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

/**
 * The whole system of the README as its manifests for Kubernetes have it, run as processes: the configurations are those of one machine, byte
 * for byte, and an order of a user passes all three zones.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { establishPki } from '../../packages/sidegate/src/authority/ca/tree.ts';
import { pkiPlan } from '../../packages/sidegate/src/cli/certs-plan.ts';
import { loadConfigFile } from '../../packages/sidegate/src/cli/config-file.ts';
import { loadLabConfig } from '../../packages/sidegate/src/config/load.ts';
import { type IssuerProcess, startIdpProcess } from '../support/issuer-process.ts';
import { LAB } from '../support/lab-run.ts';
import { type Manifest, readManifests, specOf } from '../support/manifests.ts';
import { type Pod, type SecretData, startPod } from '../support/pod.ts';
import { until } from '../support/until.ts';

const MAIN = path.resolve(import.meta.dirname, '../../packages/sidegate/src/cli/main.ts');
const SECRETS = Object.fromEntries(
  ['API_GATEWAY_CLIENT_SECRET', 'ORDER_SERVICE_CLIENT_SECRET', 'PAYMENT_SERVICE_CLIENT_SECRET'].map((name) => [
    name,
    `canary-${name}`,
  ]),
);
const PASSWORDS = Object.fromEntries(
  ['JOHN', 'MARY', 'PAUL'].map((name) => [`LAB_PASSWORD_${name}`, `canary-${name}`]),
);

const state = mkdtempSync(path.join(tmpdir(), 'sidegate-cluster-'));
chmodSync(state, 0o755);
const certs = (name: string): string => path.join(state, 'etc/certs', name);
const stack = new AsyncDisposableStack();
after(async () => {
  await stack.disposeAsync();
  rmSync(state, { recursive: true, force: true });
});

let manifests: readonly Manifest[] = [];
let idp: IssuerProcess;
const pods = new Map<string, Pod>();

before(async () => {
  const out = path.join(state, 'manifests');
  execFileSync(process.execPath, ['--conditions=@sidegate/source', MAIN, 'generate', 'kubernetes', LAB, '--out', out], {
    stdio: 'pipe',
  });
  manifests = readdirSync(out).flatMap((name) => readManifests(readFileSync(path.join(out, name), 'utf8')));
  const lab = loadConfigFile(loadLabConfig, path.join(LAB, 'lab.yaml'), { env: {} });
  assert.ok(lab.ok);
  const clock = { now: () => Date.now(), monotonic: () => performance.now() };
  await establishPki(pkiPlan(lab.config), path.join(state, 'etc/certs'), { clock });
  idp = stack.use(await startIdentityProvider());
  const names = new Map([['keycloak.example.com:443', idp.port]]);
  for (const [service, folder, host] of [
    ['data-service', 'data-service', 'data-service.zone3.local'],
    ['order-service', 'order-service', 'order-service.zone2.local'],
    ['payment-service', 'payment-service', 'payment-service.zone2.local'],
    ['api-gateway', 'gateway', 'api-gateway.zone1.local'],
  ] as const) {
    const pod = stack.use(await start(service, folder, names));
    await until(() => pod.sidecar.stdout().includes('"event":"ready"'), 30_000);
    names.set(`${host}:8443`, pod.ingressPort);
    pods.set(service, pod);
  }
});

function startIdentityProvider(): Promise<IssuerProcess> {
  const zones = ['zone1', 'zone2', 'zone3'].map((zone) => readFileSync(certs(`ca/${zone}-ca.crt`), 'utf8'));
  writeFileSync(path.join(state, 'clients-ca.crt'), zones.join(''));
  const config = {
    addr: '127.0.0.1:0',
    base_url: 'https://keycloak.example.com',
    tls: {
      cert_file: certs('keycloak/server.crt'),
      key_file: certs('keycloak/server.key'),
      client_ca_file: path.join(state, 'clients-ca.crt'),
    },
    realms: ['users', 'services'].map((name) => path.join(LAB, `realms/${name}.json`)),
    signing: { algorithms: ['ES256'] },
  };
  writeFileSync(path.join(state, 'idp.yaml'), JSON.stringify(config));
  return startIdpProcess(['--config', path.join(state, 'idp.yaml')], { ...SECRETS, ...PASSWORDS });
}

/** What an operator makes of the tree that `certs init` wrote, and of a store of secrets. */
function start(service: string, folder: string, names: ReadonlyMap<string, number>): Promise<Pod> {
  const root = path.join(state, `pod-${service}`);
  mkdirSync(root);
  const secrets = new Map([
    [`${service}-certs`, filesOf(certs(folder))],
    [`${service}-secrets`, SECRETS],
  ]);
  const authorities = Object.entries(filesOf(certs('ca'))).filter(([name]) => name.endsWith('.crt'));
  const configMaps = new Map([['authorities', Object.fromEntries(authorities)]]);
  return startPod({ manifests, service, root, secrets, configMaps, names });
}

function filesOf(folder: string): SecretData {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
}

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}
interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

function ask(port: number, host: string, options: Asked): Promise<Answer> {
  const ca = readdirSync(certs('ca'))
    .filter((name) => name.endsWith('.crt'))
    .map((name) => readFileSync(certs(`ca/${name}`), 'utf8'));
  return new Promise((resolve, reject) => {
    const to = { host: '127.0.0.1', port, servername: host, ca, agent: false, ...options };
    const request = https.request({ ...to, headers: { host, ...options.headers } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (piece: string) => (body += piece));
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    request.on('error', reject).end(options.body);
  });
}

const ORDER = '{"product_id":"PROD-123","quantity":2}';
function order(authorization: string): Promise<Answer> {
  const headers = { 'content-type': 'application/json', ...(authorization === '' ? {} : { authorization }) };
  const options = { method: 'POST', path: '/api/v1/orders', headers, body: ORDER };
  return ask(pods.get('api-gateway')?.ingressPort ?? 0, 'api-gateway.zone1.local', options);
}

test('each configuration goes to the cluster as it is on one machine', () => {
  for (const [service, file] of [
    ['api-gateway', 'gateway.yaml'],
    ['order-service', 'order-service.yaml'],
    ['payment-service', 'payment-service.yaml'],
    ['data-service', 'data-service.yaml'],
  ] as const) {
    const map = manifests.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === `${service}-etc-sidegate`,
    );
    assert.equal(map?.data?.['config.yaml'], readFileSync(path.join(LAB, file), 'utf8'));
    assert.ok(specOf(manifests, 'Deployment', service));
  }
});

test('nobody gets in without a token, and nobody behind the gateway without a certificate', async () => {
  assert.equal((await order('')).status, 401);
  for (const service of ['order-service', 'data-service']) {
    const port = pods.get(service)?.ingressPort ?? 0;
    const zone = service === 'order-service' ? 'zone2' : 'zone3';
    await assert.rejects(ask(port, `${service}.${zone}.local`, { path: '/orders/1' }));
  }
});

test('an order of a user passes all three zones', async () => {
  const login = new URLSearchParams({
    grant_type: 'password',
    client_id: 'web-app',
    username: 'john',
    password: PASSWORDS['LAB_PASSWORD_JOHN'] ?? '',
  });
  const granted = await ask(idp.port, 'keycloak.example.com', {
    method: 'POST',
    path: '/realms/users/protocol/openid-connect/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: login.toString(),
  });
  const { access_token } = JSON.parse(granted.body) as { readonly access_token: string };
  const { status, body } = await order(`Bearer ${access_token}`);
  assert.equal(status, 201, body);
  await until(() => (pods.get('data-service')?.sidecar.stdout() ?? '').includes('"path":"/orders"'));
  const stored = (pods.get('data-service')?.sidecar.stdout() ?? '')
    .split('\n')
    .find((line) => line.includes('"path":"/orders"'));
  const { decision, calling_service } = JSON.parse(stored ?? '{}') as Readonly<Record<string, unknown>>;
  assert.deepEqual([decision, calling_service], ['allow', 'order-service']);
});

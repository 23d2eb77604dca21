/** A sidecar whose certificates are pushed to it by a Workload API, and no request that notices. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type WorkloadApi, workloadApi } from '@sidegate/sdk/workload-api';
import { type ConfigChanges, type Reloadable, startReloadable, underLoad } from '../support/reloadable.ts';
import { startTestSidecar } from '../support/sidecar.ts';
import { until } from '../support/until.ts';
import { CLOCK, SCHEDULE, startWorkloadAuthority, type WorkloadAuthority } from '../support/workload-authority.ts';

const SERVER = 'spiffe://example.org/zone2/order-service';
const CLIENT = 'spiffe://example.org/zone1/api-gateway';
const TLS = '{ enabled: true, source: workload_api, client_auth: require }';
const WAIT_MS = 20_000;

const seen = new Set(['unix:uid:1']);

/** Both services may ask on one socket: the hint tells which of them they are. */
async function startAuthority(x509TtlMs: number = 3_600_000): Promise<WorkloadAuthority> {
  const attestPeer = async () => ({ pid: 1, selectors: seen, isAlive: () => true });
  const authority = await startWorkloadAuthority({ attestPeer });
  registerBoth(authority, x509TtlMs);
  return authority;
}

function registerBoth(authority: WorkloadAuthority, x509TtlMs: number): void {
  const selectors = [...seen];
  authority.register(
    { spiffeId: CLIENT, selectors, hint: 'gateway', x509TtlMs },
    { spiffeId: SERVER, selectors, hint: 'order', dnsNames: ['localhost'], x509TtlMs },
  );
}

const changes = ({ socket }: WorkloadAuthority, hint: string = 'order'): ConfigChanges => ({
  tls: TLS,
  extra: `workload_api: { socket: "${socket}", hint: ${hint}, timeout: 5s }`,
});

function clientOf({ socket }: WorkloadAuthority): WorkloadApi & Disposable {
  const api = workloadApi({ socket, clock: CLOCK, schedule: SCHEDULE, random: Math.random });
  return { ...api, [Symbol.dispose]: () => api.close() };
}

/** A client that shows its own SVID, as it is now. */
async function connect(reloadable: Reloadable, api: WorkloadApi): Promise<ReturnType<Reloadable['client']>> {
  const watched = api.watchX509();
  const { svids, bundles } = await watched.first();
  watched.close();
  const own = svids.find(({ hint }) => hint === 'gateway');
  assert.ok(own !== undefined);
  return reloadable.client({ certPem: own.cert, keyPem: own.key }, bundles.get('example.org'));
}

describe('a sidecar does not start', () => {
  const start = async (yaml: string) => {
    await using sidecar = await startTestSidecar({ yaml, files: {} });
    return sidecar.ingressPort;
  };
  const yaml = (socket: string, hint = 'order', tls = TLS): string => `
service: { name: order-service }
http: { addr: "127.0.0.1:0", tls: ${tls} }
proxy: { enabled: true, upstream: { url: "http://127.0.0.1:1" }, auth: { enabled: false }, authz: { enabled: false } }
${socket === '' ? '' : `workload_api: { socket: "${socket}", hint: ${hint}, timeout: 1s }`}`;

  test('without an identity in time', async () => {
    await assert.rejects(
      start(yaml('unix:///nonexistent/agent.sock')),
      /workload_api: error: no identity within 1000 ms/,
    );
  });

  test('where nobody registered it', async () => {
    await using authority = await startAuthority();
    authority.register();
    await assert.rejects(
      start(yaml(authority.socket)),
      /PERMISSION_DENIED: no identity issued \(is this workload registered\?\)/,
    );
  });

  test('where no identity has its hint', async () => {
    await using authority = await startAuthority();
    await assert.rejects(
      start(yaml(authority.socket, 'other')),
      /no identity has this hint \(the hints are gateway, order\)/,
    );
  });

  test('with a certificate in a file beside it', async () => {
    const tls = '{ enabled: true, source: workload_api, cert_file: a.crt, key_file: a.key }';
    await assert.rejects(
      start(yaml('unix:///run/agent.sock', 'order', tls)),
      /http\.tls\.cert_file: is not used\nhttp\.tls\.key_file: is not used/,
    );
  });

  test('without a socket', async () => {
    await assert.rejects(start(yaml('')), /http\.tls\.source: needs workload_api/);
  });

  test('with a socket that is none', async () => {
    await assert.rejects(start(yaml('unix:agent.sock')), /workload_api\.socket: is neither/);
  });
});

test('S4-088 S4-083 an SVID is replaced every second and a half, under load, and nothing fails', async () => {
  await using authority = await startAuthority(3_000);
  await using reloadable = await startReloadable(changes(authority));
  using api = clientOf(authority);
  using first = await connect(reloadable, api);
  const { status, serial } = await first.get();
  assert.equal(status, 200, reloadable.sidecar.stdout());
  const serials = new Set([serial]);
  const failures: unknown[] = [];
  const end = performance.now() + 8_000;
  while (performance.now() < end) {
    // As a client does whose own SVID is followed: a new connection for each.
    using client = await connect(reloadable, api);
    for (let request = 0; request < 20; request += 1) {
      await client.get().then(
        (answer) => {
          serials.add(answer.serial);
          if (answer.status !== 200) failures.push(answer.status);
        },
        (error: unknown) => failures.push(error),
      );
    }
  }
  assert.deepEqual(failures, []);
  assert.ok(serials.size >= 3, `${serials.size} certificates in 8 s`);
  assert.ok(reloadable.generation() >= 3);
});

test('S4-088 another authority is trusted and shown without a restart, on connections that stay open', async () => {
  await using authority = await startAuthority();
  await using reloadable = await startReloadable(changes(authority));
  using api = clientOf(authority);
  using old = await connect(reloadable, api);
  assert.equal((await old.get()).status, 200);
  const load = underLoad(reloadable, 1, () => old);
  await authority.rotateAuthority();
  await until(() => reloadable.generation() >= 2, WAIT_MS);
  using anew = await connect(reloadable, api);
  assert.equal((await anew.get()).status, 200);
  assert.deepEqual(await load.end(), []);
});

test('a Workload API that goes away changes nothing, and is told in the log', async () => {
  const authority = await startAuthority();
  await using reloadable = await startReloadable(changes(authority));
  using api = clientOf(authority);
  using client = await connect(reloadable, api);
  await authority[Symbol.asyncDispose]();
  await until(() => reloadable.sidecar.stderr().includes('gives no new identity'), WAIT_MS);
  assert.match(reloadable.sidecar.stderr(), /the Workload API gives no new identity/);
  assert.equal((await client.get()).status, 200);
  assert.doesNotMatch(reloadable.sidecar.stderr() + reloadable.sidecar.stdout(), /PRIVATE KEY/);
});

test('S4-083 a target is called with the SVID, and verified with the bundle', async () => {
  await using authority = await startAuthority();
  await using reloadable = await startReloadable(changes(authority));
  const yaml = (trusted: string): string => `
service: { name: api-gateway }
proxy: { enabled: false }
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets:
    order:
      url: https://localhost:${reloadable.port}
      auth: { type: bearer, token: "\${TOKEN}" }
      tls: { enabled: true, source: workload_api${trusted} }
  routes: [{ path_prefix: /, target: order }]
workload_api: { socket: "${authority.socket}", hint: gateway }`;
  const call = async (trusted: string, files: Readonly<Record<string, string>>): Promise<number> => {
    await using sidecar = await startTestSidecar({ yaml: yaml(trusted), files, env: { TOKEN: reloadable.token() } });
    return (await fetch(`http://127.0.0.1:${sidecar.egressPort}/orders`)).status;
  };
  assert.equal(await call('', {}), 200);
  assert.equal(await call(', ca_cert: /other.crt', { 'other.crt': reloadable.authority.certPem }), 502);
});

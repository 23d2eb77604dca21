/** A target of another trust domain: its host name, an ID of the trust domain that the configuration names, and the bundle of that one. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createTestAuthority, type TestCertificateOptions } from '../support/certificates.ts';
import { type StartedApp, startHttpsApp } from '../support/https-app.ts';
import { startTestSidecar } from '../support/sidecar.ts';
import { startSidecarProcess } from '../support/sidecar-process.ts';
import { until } from '../support/until.ts';
import { attestSameUser, startWorkloadAuthority, type WorkloadAuthority } from '../support/workload-authority.ts';

const PARTNER = 'partner.example';
const BILLING = `spiffe://${PARTNER}/billing`;
const WAIT_MS = 20_000;

const partner = createTestAuthority(`${PARTNER}-CA`);

const stack = new AsyncDisposableStack();
let authority: WorkloadAuthority;
before(async () => {
  authority = stack.use(await startWorkloadAuthority({ attestPeer: attestSameUser }));
  authority.trust(PARTNER, partner.der);
});
after(() => stack[Symbol.asyncDispose]());

function startTarget(names: TestCertificateOptions = {}, signer = partner): Promise<StartedApp> {
  const { certPem, keyPem } = signer.issue({ uris: [BILLING], dns: ['localhost'], eku: ['serverAuth'], ...names });
  return startHttpsApp((_, response) => response.end('paid'), { cert: certPem, key: keyPem });
}

const yaml = ({ port }: StartedApp, target: string): string => `
service: { name: order-service }
proxy: { enabled: false }
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets: { billing: { url: "https://localhost:${port}", tls: { enabled: true, source: workload_api }${target} } }
  routes: [{ path_prefix: /, target: billing }]
workload_api: { socket: "${authority.socket}", timeout: 5s }`;

const NAMED = `, trust_domain: ${PARTNER}`;

async function call(target: StartedApp, settings: string): Promise<number> {
  await using sidecar = await startTestSidecar({ yaml: yaml(target, settings), files: {} });
  return (await fetch(`http://127.0.0.1:${sidecar.egressPort}/pay`)).status;
}

describe('S4-083 a target of another trust domain is not called', () => {
  const ROWS: readonly (readonly [title: string, settings: string, names?: TestCertificateOptions])[] = [
    ['where the configuration does not say that it belongs there', ''],
    ['where the configuration says that it is one of ours', ', trust_domain: example.org'],
    ['where there is no bundle of its trust domain', ', trust_domain: nobody.example'],
    ['with an ID of ours that the partner has signed', NAMED, { uris: ['spiffe://example.org/zone2/data-service'] }],
    ['with an ID of somebody else that the partner has signed', NAMED, { uris: ['spiffe://stranger.example/a'] }],
    ['with two IDs', NAMED, { uris: [BILLING, 'spiffe://example.org/a'] }],
    ['with its host name alone', NAMED, { uris: [] }],
    ['with another host name', NAMED, { dns: ['billing.example'] }],
  ];
  for (const [title, settings, names] of ROWS) {
    test(title, async () => {
      await using target = await startTarget(names);
      assert.equal(await call(target, settings), 502);
    });
  }

  test('where its bundle is missing and the authorities of the system know its root', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sidegate-federated-'));
    await writeFile(path.join(folder, 'ca.crt'), partner.certPem);
    await using target = await startTarget();
    const ask = async (settings: string): Promise<number> => {
      await writeFile(path.join(folder, 'config.yaml'), yaml(target, settings));
      await using sidecar = await startSidecarProcess(['--config', path.join(folder, 'config.yaml')], {
        NODE_EXTRA_CA_CERTS: path.join(folder, 'ca.crt'),
      });
      return (await fetch(`http://${String(sidecar.listening?.egress)}/pay`)).status;
    };
    assert.equal(await ask(', trust_domain: nobody.example'), 502);
    await rm(folder, { recursive: true });
  });
});

test('S4-083 S4-088 a target of a trust domain that is named is called, by what its bundle is at the moment', async () => {
  await using target = await startTarget({}, partner.intermediate());
  await using sidecar = await startReloading(target);
  assert.equal(await sidecar.ask(), 200);
  const next = createTestAuthority(`${PARTNER}-CA`);
  await using renewed = await startTarget({}, next);
  authority.trust(PARTNER);
  await until(async () => (await sidecar.ask()) === 502, WAIT_MS);
  assert.equal(await sidecar.ask(), 502);
  assert.match(sidecar.log(), /nobody of it is trusted/);
  authority.trust(PARTNER, partner.der, next.der);
  await until(async () => (await sidecar.ask()) === 200, WAIT_MS);
  assert.deepEqual([await sidecar.ask(), await call(renewed, NAMED)], [200, 200]);
  authority.trust(PARTNER, partner.der);
});

/** One that follows the Workload API. */
async function startReloading(target: StartedApp) {
  const folder = await mkdtemp(path.join(tmpdir(), 'sidegate-federated-'));
  await writeFile(path.join(folder, 'config.yaml'), yaml(target, NAMED));
  const sidecar = await startSidecarProcess(['--config', path.join(folder, 'config.yaml')]);
  return {
    ask: async (): Promise<number> => (await fetch(`http://${String(sidecar.listening?.egress)}/pay`)).status,
    log: () => sidecar.stderr(),
    async [Symbol.asyncDispose]() {
      await sidecar[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

test('a sidecar does not start with a trust domain whose bundle could not come from anywhere', async () => {
  const start = (tls: string, more: string) =>
    startTestSidecar({ yaml: `service: { name: a }\nhttp: { tls: ${tls} }\n${more}`, files: {} });
  const target = (tls: string) =>
    `egress: { targets: { billing: { url: "https://b.example", trust_domain: ${PARTNER}, tls: ${tls} } } }`;
  const named = `client_trust_domains: [${PARTNER}]`;
  for (const [tls, more, finding] of [
    [
      `{ enabled: true, cert_file: a, key_file: b, client_ca_file: c, client_auth: require, ${named} }`,
      '',
      /needs bundles/,
    ],
    [
      `{ enabled: true, source: workload_api, client_ca_file: c, client_auth: require, ${named} }`,
      '',
      /client_trust_domains: is not used/,
    ],
    [`{ enabled: true, source: workload_api, ${named} }`, '', /client_trust_domains: needs client_auth: require/],
    ['{ client_trust_domains: ["Partner.example"] }', '', /is not the name of a trust domain/],
    ['{}', target('{ enabled: true }'), /trust_domain: needs a bundle/],
    ['{}', target('{ enabled: true, source: workload_api, ca_cert: c }'), /trust_domain: is not used/],
  ] as const) {
    await assert.rejects(start(tls, more), finding);
  }
});

/**
 * A sidecar whose certificate and tokens come from one authority, and no secret: its tokens are bound to the certificate that they were
 * asked with, so that with the next certificate there must be the next token.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type AuthorityFolder, authorityFolder } from '../support/authority.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { startHttpApp, valuesOf } from '../support/http-app.ts';
import { audienceMapper } from '../support/realms.ts';
import { startSidecarProcess } from '../support/sidecar-process.ts';
import { sendRequest } from '../support/wire.ts';

const BASE_URL = 'https://authority.example.org:8443';
const ISSUER = `${BASE_URL}/realms/services`;
const TOKENS = `${ISSUER}/protocol/openid-connect`;
const ORDERS = 'spiffe://example.org/zone1/orders';

const web = createTestAuthority('authority-CA');

async function startAuthority(): Promise<AuthorityFolder> {
  const server = web.issue({ dns: ['authority.example.org'], eku: ['serverAuth'] });
  const folder = await authorityFolder({
    baseUrl: BASE_URL,
    realms: [
      {
        realm: 'services',
        clients: [
          {
            clientId: 'orders',
            serviceAccountsEnabled: true,
            clientAuthenticatorType: 'client-x509',
            attributes: { 'sidegate.spiffe_id': ORDERS },
            protocolMappers: [audienceMapper('data')],
          },
        ],
      },
    ],
    more: `tls: { cert_file: server.crt, key_file: server.key }
ca:
  trust_domain: example.org
  bundle_refresh_hint: 1s
  zones: { zone1: { dns_domains: [example.org] } }`,
  });
  await folder.write('server.crt', server.certPem);
  await folder.write('server.key', server.keyPem);
  return folder;
}

type Service = 'data' | 'orders';

test('S4-088 with each new certificate comes a token that is bound to it, and no request fails in between', async () => {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await startAuthority());
  const authority = stack.use(await folder.start());
  assert.ok(authority.url !== undefined, authority.stderr());
  const app = stack.use(await startHttpApp());
  const root = await mkdtemp(path.join(tmpdir(), 'sidegate-egress-'));
  stack.defer(() => rm(root, { recursive: true, force: true }));
  const dial = ['--connect-to', `authority.example.org:8443=127.0.0.1:${authority.port}`];

  const start = async (service: Service, chapters: string, ...connect: readonly string[]) => {
    const at = (name: string) => path.join(root, `${service}-${name}`);
    const names = ['--service', service, '--zone', 'zone1', '--dns', `${service}.example.org`];
    const { code, stdout, stderr } = await folder.command('ca', 'token', ...names, '--valid-for', '1h');
    assert.equal(code, 0, stderr);
    await writeFile(at('join-token'), stdout.trim(), { mode: 0o600 });
    await writeFile(at('ca.crt'), web.certPem);
    await writeFile(
      at('config.yaml'),
      `service: { name: ${service} }
authority: { url: "${BASE_URL}", ca_cert: ${at('ca.crt')}, join_token_file: ${at('join-token')}, directory: ${at('identity')} }
${chapters}`,
    );
    const extra = { NODE_EXTRA_CA_CERTS: at('ca.crt') };
    const sidecar = stack.use(await startSidecarProcess(['--config', at('config.yaml'), ...dial, ...connect], extra));
    assert.ok(sidecar.listening !== undefined, sidecar.stderr());
    return sidecar;
  };

  const data = await start(
    'data',
    `http: { addr: "127.0.0.1:0", tls: { enabled: true, source: authority, client_auth: require } }
jwt: { issuer: "${ISSUER}", audience: data, jwks_url: "${TOKENS}/certs" }
identities: { "${ORDERS}": orders }
proxy:
  enabled: true
  upstream: { url: "http://127.0.0.1:${app.port}" }
  headers: { pass_token: true }
  authz: { enabled: false }
  mtls: { enabled: true, allowed_clients: ["${ORDERS}"] }
`,
  );
  const orders = await start(
    'orders',
    `proxy: { enabled: false }
egress:
  enabled: true
  addr: 127.0.0.1:0
  routes: [{ path_prefix: /, target: data }]
  targets:
    data:
      url: https://data.example.org:8443
      tls: { enabled: true, source: authority }
      auth: { type: oauth2_client_credentials, token_url: "${TOKENS}/token", client_id: orders, client_auth: tls_client_auth }
`,
    '--connect-to',
    `data.example.org:8443=127.0.0.1:${data.listening?.ingress?.split(':').at(-1)}`,
  );
  const port = Number(orders.listening?.egress?.split(':').at(-1));

  const statuses = new Map<number, number>();
  const bound = new Set<string>();
  const end = performance.now() + 60_000;
  const client = async () => {
    while (performance.now() < end && bound.size < 4) {
      const { status } = await sendRequest({ port }, { target: '/stock' });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const [authorization = ''] = valuesOf(app.seen.at(-1)?.rawHeaders ?? [], 'authorization');
      const { cnf } = JSON.parse(Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString() || '{}') as {
        cnf?: { 'x5t#S256': string };
      };
      if (cnf !== undefined) bound.add(cnf['x5t#S256']);
      await pause(10);
    }
  };
  // Whose authority signs no more is renewed at the next look, whatever is left of its life.
  const rotation = async () => {
    while (performance.now() < end && bound.size < 4) {
      const { code, stderr } = await folder.command('ca', 'rotate', 'zone', 'zone1');
      assert.ok(code === 0 || /another authority of this zone waits/.test(stderr), stderr);
    }
  };
  await Promise.all([rotation(), client(), client(), client()]);
  assert.deepEqual([...statuses.keys()], [200], data.stderr() + orders.stderr());
  assert.ok(bound.size >= 4, `${bound.size} certificates`);
});

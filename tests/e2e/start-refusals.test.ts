/** The real command with everything that may be wrong at its start: exit 78, all findings, no secret; and a clean end. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { createTestAuthority } from '../support/certificates.ts';
import { startHandlerApp } from '../support/handler-app.ts';
import { startSidecarProcess } from '../support/sidecar-process.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';

const CONFIG = `http:
  addr: 127.0.0.1:0
  tls:
    enabled: true
    cert_file: /certs/server.crt
    key_file: /certs/server.key
    client_ca_file: /certs/ca.crt
    client_auth: require
jwt: { issuer: "https://keycloak.example.com/realms/users", audience: order-service, jwks_url: "http://127.0.0.1:1/certs" }
proxy: { enabled: true, authz: { policy_query: data.order.allow } }
policy: { path: /policies }
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets:
    data:
      url: https://data-service.zone3.local:8443
      auth:
        type: oauth2_client_credentials
        token_url: https://keycloak.example.com/token
        client_id: order-service
        client_secret: \${ORDER_SERVICE_CLIENT_SECRET}
      tls: { enabled: true, client_cert: /certs/client.crt, client_key: /certs/client.key, ca_cert: /certs/ca.crt }
  routes: [{ path_prefix: /data, target: data }]
`;
const SECRET = 'canary-order-service-secret';
const POLICY = 'package order\n\nimport rego.v1\n\ndefault allow := false\n';
const SEED_POLICY = path.resolve(import.meta.dirname, '../../../shared/seeds/003/policies/dataservice.rego');

const zone = createTestAuthority('zone2-CA');
const server = zone.issue({ subject: [{ CN: 'order-service' }], dns: ['localhost'], eku: ['serverAuth'] });
const client = zone.issue({ subject: [{ O: 'MyOrg' }, { CN: 'order-service-client' }] });

/** A root that a sidecar can start from, with files replaced, or left out by `null`. */
function writeRoot(changes: Readonly<Record<string, string | null>> = {}): string {
  const root = mkdtempSync(path.join(tmpdir(), 'sidegate-start-'));
  roots.push(root);
  const files: Record<string, string | null> = {
    'config.yaml': CONFIG,
    'certs/server.crt': server.certPem,
    'certs/server.key': server.keyPem,
    'certs/client.crt': client.certPem,
    'certs/client.key': client.keyPem,
    'certs/ca.crt': zone.certPem,
    'policies/order.rego': POLICY,
    ...changes,
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    if (content !== null) writeFileSync(path.join(root, name), content, { mode: 0o600 });
  }
  return root;
}

const roots: string[] = [];
after(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

const start = (root: string, env: Readonly<Record<string, string>> = { ORDER_SERVICE_CLIENT_SECRET: SECRET }) =>
  startSidecarProcess(['--config', path.join(root, 'config.yaml'), '--root', root], env);

/** Lines that standard error must have, beside nothing that looks like a secret. */
async function refused(root: string, lines: readonly RegExp[], env?: Readonly<Record<string, string>>): Promise<void> {
  await using sidecar = await start(root, env);
  assert.equal(sidecar.listening, undefined, 'it must not listen');
  assert.equal(await sidecar.end(), 78, sidecar.stderr());
  for (const line of lines) assert.match(sidecar.stderr(), line);
  for (const text of [sidecar.stderr(), sidecar.stdout()]) {
    assert.ok(!/canary|PRIVATE KEY-----\n|^ +at /m.test(text), text);
  }
}

interface Row {
  readonly title: string;
  readonly files?: Readonly<Record<string, string | null>>;
  readonly lines: readonly RegExp[];
  readonly env?: Readonly<Record<string, string>>;
}

describe('the start is refused with exit 78', { concurrency: 2 }, () => {
  const ROWS: readonly Row[] = [
    {
      title: 'S3-220 a missing configuration',
      files: { 'config.yaml': null },
      lines: [/config\.yaml.*cannot be read/],
    },
    {
      title: 'S3-189 an unknown key, with the nearest one',
      files: { 'config.yaml': CONFIG.replace('    cert_file:', '    cert_fil:') },
      lines: [/config\.yaml:5:5: error: http\.tls\.cert_fil/, /cert_file/],
    },
    {
      title: 'S3-179 an unset variable, by its name',
      lines: [/config\.yaml:22:24: error: .*ORDER_SERVICE_CLIENT_SECRET/],
      env: {},
    },
    {
      title: 'several errors at once',
      files: {
        'config.yaml': CONFIG.replace('client_auth: require', 'client_auth: maybe').replace(
          'target: data }',
          'target: date }',
        ),
      },
      lines: [/config\.yaml:8:\d+: error: http\.tls\.client_auth/, /config\.yaml:\d+:\d+: error: egress\.routes\[?.?0/],
    },
    {
      title: 'the key of another certificate',
      files: { 'certs/server.key': client.keyPem },
      lines: [/certs\/server\.key: error: is not the key of .*server\.crt/],
    },
    {
      title: 'missing files, all of them named',
      files: { 'certs/ca.crt': null, 'certs/client.key': null, 'certs/server.crt': null },
      lines: [
        /ca\.crt: error: cannot be read/,
        /client\.key: error: cannot be read/,
        /server\.crt: error: cannot be read/,
      ],
    },
    {
      title: 'files that are no PEM',
      files: { 'certs/ca.crt': 'canary', 'certs/client.key': 'canary' },
      lines: [/ca\.crt: error: is not a PEM certificate/, /client\.key: error: is not an unencrypted PEM private key/],
    },
    {
      title: 'an empty policy folder',
      files: { 'policies/order.rego': null },
      lines: [/policies: error: has no policy/],
    },
    {
      title: 'certificates and policies wrong at the same time',
      files: { 'certs/ca.crt': null, 'policies/order.rego': 'package order\n\nallow if {\n' },
      lines: [/ca\.crt: error: cannot be read/, /order\.rego:\d+:\d+: error: rego_parse_error/],
    },
  ];
  for (const { title, files, lines, env } of ROWS) test(title, () => refused(writeRoot(files), lines, env));

  test('C-226 a private key that others can read, with what to do', async () => {
    const root = writeRoot();
    chmodSync(path.join(root, 'certs/server.key'), 0o644);
    chmodSync(path.join(root, 'certs/client.key'), 0o640);
    await refused(root, [
      /server\.key: error: is a private key that others can read \(mode 0644\) \(chmod 600 /,
      /client\.key: error: is a private key that others can read \(mode 0640\)/,
    ]);
  });

  const skip = existsSync(SEED_POLICY) || process.env['CI'] === 'true' ? false : 'the seeds are not here';
  test("S3-037 SD-07 the seed's dataservice.rego, as OPA says it and where", { skip }, async () => {
    const root = writeRoot({ 'policies/dataservice.rego': readFileSync(SEED_POLICY, 'utf8') });
    const line = readFileSync(SEED_POLICY, 'utf8')
      .split('\n')
      .findIndex((text) => text.includes('reason := sprintf'));
    await refused(root, [
      new RegExp(
        `dataservice\\.rego:${line + 1}:\\d+: error: rego_unsafe_var_error: var required_permission is unsafe`,
      ),
    ]);
  });

  test('a port that is in use', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const config = CONFIG.replace('addr: 127.0.0.1:0', `addr: 127.0.0.1:${port}`);
    await refused(writeRoot({ 'config.yaml': config }), [
      new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port} \\(EADDRINUSE\\)`),
    ]);
    await new Promise((resolve) => taken.close(resolve));
  });
});

describe('a start that is right', { concurrency: 2 }, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`listens, ends with exit 0 on ${signal}, and its ports are closed`, async () => {
      await using sidecar = await start(writeRoot());
      assert.ok(sidecar.listening !== undefined, sidecar.stderr());
      const ports = [sidecar.listening.ingress, sidecar.listening.egress].map((address) => portOf(address));
      for (const port of ports) assert.equal(await canConnect(port), true);
      const answer = await sendRequest({ port: portOf(sidecar.listening.egress) }, { target: '/none' });
      assert.equal(answer.status, 404, 'it serves');
      assert.equal(await sidecar.end(signal), 0);
      for (const port of ports) assert.equal(await canConnect(port), false);
      for (const text of [sidecar.stderr(), sidecar.stdout()]) assert.ok(!text.includes(SECRET));
    });
  }

  test('C-226 opens no debugger on SIGUSR1, and goes on serving', async () => {
    await using sidecar = await start(writeRoot());
    sidecar.signal('SIGUSR1');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const answer = await sendRequest({ port: portOf(sidecar.listening?.egress) }, { target: '/none' });
    assert.equal(answer.status, 404, 'it serves');
    assert.doesNotMatch(sidecar.stderr(), /[Dd]ebugger/);
  });

  test('ends after the answer that is under way, and takes no new request meanwhile', async () => {
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    let asked = false;
    await using target = await startHandlerApp((_request, response) => {
      asked = true;
      void mayAnswer.then(() => response.end('whole'));
    });
    const config = CONFIG.replace('targets:', `targets:\n    slow: { url: "http://127.0.0.1:${target.port}" }`);
    await using sidecar = await start(
      writeRoot({ 'config.yaml': config.replace('routes: [', 'routes: [{ path_prefix: /slow, target: slow }, ') }),
    );
    const port = portOf(sidecar.listening?.egress);
    const underWay = sendRequest({ port }, { target: '/slow' });
    await until(() => asked);
    const ended = sidecar.end();
    while (await canConnect(port)) await new Promise((resolve) => setTimeout(resolve, 5));
    answer();
    assert.match((await underWay).body, /whole/);
    assert.equal(await ended, 0);
  });

  test('S3-220 AUTHZ_CONFIG_PATH picks the file', async () => {
    const root = writeRoot({
      'other.yaml': CONFIG.replace('jwt:', 'service: { name: by-environment }\njwt:'),
      'config.yaml': 'x',
    });
    const env = { AUTHZ_CONFIG_PATH: path.join(root, 'other.yaml'), ORDER_SERVICE_CLIENT_SECRET: SECRET };
    await using sidecar = await startSidecarProcess(['--root', root], env);
    assert.match(sidecar.stdout(), /"event":"listening","service":"by-environment"/);
  });
});

const portOf = (address: string | undefined): number => Number(address?.split(':')[1]);

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** `proxy.upstream` towards the app: which connections are kept, and by whose certificate both sides know each other. */
import assert from 'node:assert/strict';
import net, { type AddressInfo, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { createTestAuthority } from '../support/certificates.ts';
import { startHttpApp } from '../support/http-app.ts';
import { startIngress } from '../support/ingress.ts';
import { bytes, startJwksServer } from '../support/jwks-server.ts';
import { createSigningKey, keySetBytes } from '../support/tokens.ts';
import { until } from '../support/until.ts';

/** What is tested here is not how fast this machine is. */
const PATIENT = { AUTHZ_PROXY_UPSTREAM_TIMEOUT: '5s' };
const OPEN = '  authz: { enabled: false }';

interface CountingApp extends AsyncDisposable {
  readonly port: number;
  /** Connections that are open now. */
  readonly sockets: ReadonlySet<Socket>;
  readonly accepted: () => number;
}

/** Answers each request 100 ms after it came, and keeps every connection open. */
async function startCountingApp(): Promise<CountingApp> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = net.createServer((socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', () => {
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'), 100);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    accepted: () => accepted,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The app's URL comes from the environment, which names the settings beside it. */
const start = (app: { readonly port: number }, env: Readonly<Record<string, string>> = {}) =>
  startIngress({ proxy: OPEN, upstreamPort: app.port, env: { ...PATIENT, ...env } });

describe('max_idle_conns', () => {
  for (const [value, kept] of [
    ['0', 0],
    ['2', 2],
    [undefined, 5],
  ] as const) {
    test(`${value ?? 'absent'} keeps ${kept} of five connections that have answered`, async () => {
      await using app = await startCountingApp();
      await using ingress = await start(app, value === undefined ? {} : { AUTHZ_PROXY_UPSTREAM_MAX_IDLE_CONNS: value });
      const answers = await Promise.all(Array.from({ length: 5 }, () => ingress.send()));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      assert.equal(app.accepted(), 5);
      await until(() => app.sockets.size === kept);
      assert.equal(app.sockets.size, kept);
      assert.equal((await ingress.send()).status, 200);
      assert.equal(app.accepted(), kept === 0 ? 6 : 5);
    });
  }
});

describe('idle_conn_timeout', () => {
  for (const [value, kept] of [
    ['200ms', 0],
    ['60s', 1],
  ] as const) {
    test(`${value}: of a connection without a request, ${kept} is there after a second`, async () => {
      await using app = await startCountingApp();
      await using ingress = await start(app, { AUTHZ_PROXY_UPSTREAM_IDLE_CONN_TIMEOUT: value });
      assert.equal((await ingress.send()).status, 200);
      assert.equal(app.sockets.size, 1);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      assert.equal(app.sockets.size, kept);
      assert.equal((await ingress.send()).status, 200);
    });
  }
});

describe('tls', () => {
  const zone = createTestAuthority('app-CA');
  const server = zone.issue({ subject: [{ CN: 'app' }], dns: ['localhost'], eku: ['serverAuth'] });
  const client = zone.issue({ subject: [{ CN: 'order-sidecar' }] });
  const files = {
    '/certs/ca.crt': zone.certPem,
    '/certs/client.crt': client.certPem,
    '/certs/client.key': client.keyPem,
    '/certs/other.crt': createTestAuthority('other-CA').certPem,
  };
  const startApp = () => startHttpApp(undefined, { cert: server.certPem, key: server.keyPem, ca: zone.certPem });
  const startBefore = (app: { readonly port: number }, tls: Readonly<Record<string, string>>) =>
    startIngress({
      proxy: OPEN,
      files,
      env: {
        ...PATIENT,
        APP: `https://localhost:${app.port}`,
        ...Object.fromEntries(Object.entries(tls).map(([key, value]) => [`AUTHZ_PROXY_UPSTREAM_TLS_${key}`, value])),
      },
    });
  const OURS = { CLIENT_CERT: '/certs/client.crt', CLIENT_KEY: '/certs/client.key' };

  const REFUSED: readonly (readonly [title: string, tls: Readonly<Record<string, string>>])[] = [
    ['S3-036 an app of another CA', { ENABLED: 'true', CA_CERT: '/certs/other.crt', ...OURS }],
    ['an app that wants a certificate and gets none', { ENABLED: 'true', CA_CERT: '/certs/ca.crt' }],
    ['enabled: false, so that the CA does not count', { ENABLED: 'false', CA_CERT: '/certs/ca.crt', ...OURS }],
  ];
  for (const [title, tls] of REFUSED) {
    test(`${title} is 502 upstream_tls`, async () => {
      await using app = await startApp();
      await using ingress = await startBefore(app, tls);
      const answer = await ingress.send();
      assert.deepEqual([answer.status, /upstream_tls/.test(answer.body)], [502, true], answer.raw);
      assert.equal(app.seen.length, 0);
    });
  }

  test('enabled: true shows our certificate, and trusts the CA that is named', async () => {
    await using app = await startApp();
    await using ingress = await startBefore(app, { ENABLED: 'true', CA_CERT: '/certs/ca.crt', ...OURS });
    assert.equal((await ingress.send()).status, 200);
    assert.equal(app.seen[0]?.clientName, 'order-sidecar');
  });

  test('files that are configured while TLS is off are a warning', async () => {
    await using app = await startApp();
    await using ingress = await startBefore(app, { ENABLED: 'false', CA_CERT: '/certs/ca.crt' });
    assert.match(ingress.sidecar.log(), /proxy\.upstream\.tls: has no effect/);
  });

  test('a key that is missing stops the start', async () => {
    await using app = await startApp();
    const tls = { ENABLED: 'true', CLIENT_CERT: '/certs/client.crt', CLIENT_KEY: '/certs/nowhere.key' };
    await assert.rejects(startBefore(app, tls), /nowhere\.key/);
  });
});

describe('jwt.issuers[].algorithms', () => {
  const key = createSigningKey('RS256', 'robots-1');
  const ROBOTS = 'https://keycloak.example.com/realms/robots';
  const issuer = (algorithms: string) =>
    `  issuers: [{ name: robots, issuer: "${ROBOTS}", audience: order-service, jwks_url: "\${ROBOTS}"${algorithms} }]`;

  for (const [title, algorithms, refused] of [
    ['another algorithm than those listed', ', algorithms: [ES256, PS256]', true],
    ['one that is listed', ', algorithms: [ES256, RS256]', false],
    ['any that we know, when none is listed', '', false],
  ] as const) {
    test(`${title} is ${refused ? '401 token_alg_not_allowed' : 'accepted'}`, async () => {
      await using jwks = await startJwksServer(bytes(keySetBytes(key.jwk())));
      await using ingress = await startIngress({
        proxy: OPEN,
        jwt: issuer(algorithms),
        env: { ...PATIENT, ROBOTS: `${jwks.origin}/certs` },
      });
      const token = ingress.token({ iss: ROBOTS }, { key });
      const send = () => ingress.send({ headers: ['Authorization', `Bearer ${token}`] });
      if (refused) await ingress.refused('token_alg_not_allowed', send, [token]);
      else assert.equal((await send()).status, 200);
      assert.equal((await ingress.send()).status, 200, 'the other issuer has its own');
    });
  }
});

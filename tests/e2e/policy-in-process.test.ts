/** The policies of the three zones, asked by a sidecar and by a guard inside the service: every request has the same answer. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { json, text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { compile } from '@sidegate/rego';
import { type ClientBinding, createPushedJwks } from '@sidegate/sdk';
import { expressGuards } from '@sidegate/sdk/express';
import { allOf, bearer, mutualTls, serviceAuth } from '@sidegate/sdk/server';
import express from 'express';
import { createTestAuthority, type TestCertificate } from '../support/certificates.ts';
import { createGuardedServer, serving } from '../support/frameworks/serving.ts';
import { startHttpApp } from '../support/http-app.ts';
import { bytes, startJwksServer } from '../support/jwks-server.ts';
import { startTestSidecar } from '../support/sidecar.ts';
import { createSigningKey, keySetBytes, mint } from '../support/tokens.ts';

const POLICIES = path.join(import.meta.dirname, '../../examples/three-zones/policies');
const ISSUER = 'https://keycloak.example.com/realms/lab';
const HEADERS = ['X-User-Context', 'X-Correlation-ID'];

const zone = createTestAuthority('zone');
const key = createSigningKey('ES256', 'k1');
const serverCertificate = zone.issue({ subject: [{ CN: 'localhost' }], dns: ['localhost'], eku: ['serverAuth'] });
const certificateOf = (name: string): TestCertificate =>
  zone.issue({ subject: [{ O: 'MyOrg' }, { CN: `${name}-client` }], uris: [`spiffe://example.org/${name}`] });

const CLIENTS: Readonly<Record<string, TestCertificate>> = {
  'api-gateway': certificateOf('api-gateway'),
  'order-service': certificateOf('order-service'),
  'payment-service': certificateOf('payment-service'),
  'report-service': certificateOf('report-service'),
};
const ALLOWED = ['api-gateway', 'order-service', 'payment-service'];

const now = Math.floor(Date.now() / 1000);
const user = (...roles: string[]) => ({ sub: 'user-123', azp: 'web-app', realm_access: { roles } });
const TOKENS: Readonly<Record<string, object | undefined>> = {
  'no token': undefined,
  'a customer': user('customer'),
  'who creates orders': user('customer', 'orders:create'),
  'who creates payments': user('payments:create'),
  'who reads payments': user('payments:read'),
  'roles that are text': { ...user(), realm_access: { roles: 'orders:create' } },
  'order-service itself': { sub: 'service-account-order-service', azp: 'order-service' },
  'payment-service itself': { sub: 'service-account-payment-service', azp: 'payment-service' },
  'an expired token': { ...user('customer', 'orders:create'), iat: now - 900, exp: now - 600 },
  'another audience': { ...user('customer', 'orders:create'), aud: 'elsewhere' },
};

const REQUESTS = [
  'GET /orders',
  'POST /orders',
  'GET /orders/1?full=1',
  'GET /orders-admin',
  'DELETE /orders/1',
  'POST /payments',
  'GET /payments/7',
  'GET /inventory/PROD-123',
  'GET /orders/../payments',
  'GET /',
];

for (const [service, query] of [
  ['order-service', 'data.order.allow'],
  ['payment-service', 'data.payment.allow'],
  ['data-service', 'data.dataservice.result'],
] as const) {
  describe(query, () => {
    test('a sidecar and a guard in the process answer each request alike', async () => {
      await using behind = await startBehindSidecar(service, query);
      await using guarded = await startGuarded(service, query);
      const seen = new Map<string, number>();
      for (const [client, { certPem, keyPem }] of Object.entries(CLIENTS)) {
        const agent = new https.Agent({ keepAlive: true, ca: zone.certPem, cert: certPem, key: keyPem });
        for (const [whose, claims] of Object.entries(TOKENS)) {
          for (const request of REQUESTS) {
            const asked = { agent, claims, request, service };
            const [outcome, other] = await Promise.all([ask(behind.port, asked), ask(guarded.port, asked)]);
            assert.equal(other, outcome, `${client}, ${whose}, ${request}`);
            seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
          }
        }
        agent.destroy();
      }
      assert.ok((seen.get('200') ?? 0) > 2, 'some were let in');
      assert.ok((seen.get('403 policy_denied') ?? 0) > 20, 'the policy refused many');
    });
  });
}

interface Asked {
  readonly agent: https.Agent;
  readonly claims: object | undefined;
  readonly request: string;
  readonly service: string;
}

/** Over a connection of each client that stays open: the handshakes are not what is compared. */
function ask(port: number, { agent, claims, request, service }: Asked): Promise<string> {
  const [method, target] = request.split(' ');
  const token = claims && mint({ iss: ISSUER, aud: service, iat: now - 1, exp: now + 300, ...claims }, { key });
  const headers = { 'X-User-Context': 'user-9', ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) };
  return new Promise((resolve, reject) => {
    const sent = https.request({
      agent,
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      method,
      path: target,
      headers,
    });
    sent.on('error', reject).on('response', (response) => {
      const { statusCode = 0 } = response;
      const answered =
        statusCode === 200
          ? text(response).then(() => '200')
          : json(response).then((body) => `${statusCode} ${(body as Body).code}`);
      answered.then(resolve, reject);
    });
    sent.end();
  });
}

interface Body {
  readonly code: string;
}

const bindings = new Map<string, ClientBinding>(
  ALLOWED.map((name) => [
    `spiffe://example.org/${name}`,
    {
      clientId: name,
      issuer: ISSUER,
      mayForward: name === 'api-gateway' ? [{ clientId: 'web-app', issuer: ISSUER }] : [],
    },
  ]),
);

async function startGuarded(service: string, query: string) {
  const files = readdirSync(POLICIES).filter((file) => file.endsWith('.rego') && !file.endsWith('_test.rego'));
  const compiled = compile(files.map((file) => ({ file, text: readFileSync(path.join(POLICIES, file), 'utf8') })));
  assert.ok(compiled.ok);
  const evaluate = compiled.policy.prepare(query);
  const keys = createPushedJwks(keySetBytes(key.jwk()));
  const auth = serviceAuth({
    service,
    authenticator: allOf(
      mutualTls({ allowedClients: [...bindings.keys()], identities: bindings }),
      bearer({ issuers: [{ issuer: ISSUER, keys }], audience: service }),
    ),
    policy: { decide: (input) => evaluate(input), headers: HEADERS },
  });
  const guards = expressGuards(auth);
  const app = express();
  app.all('/{*path}', guards.requireAuth(), (_request, response) => response.json({}));
  guards.requireRules(app);
  const tls = { key: serverCertificate.keyPem, cert: serverCertificate.certPem, ca: zone.certPem };
  return serving(createGuardedServer(app, tls));
}

async function startBehindSidecar(service: string, query: string) {
  await using started = new AsyncDisposableStack();
  const jwks = started.use(await startJwksServer(bytes(keySetBytes(key.jwk()))));
  const app = started.use(await startHttpApp());
  const policies = readdirSync(POLICIES).filter((file) => file.endsWith('.rego') && !file.endsWith('_test.rego'));
  const sidecar = started.use(
    await startTestSidecar({
      yaml: sidecarYaml(service, query),
      files: {
        '/etc/certs/server.crt': serverCertificate.certPem,
        '/etc/certs/server.key': serverCertificate.keyPem,
        '/etc/certs/ca.crt': zone.certPem,
        ...Object.fromEntries(
          policies.map((file) => [`/etc/authz/policies/${file}`, readFileSync(path.join(POLICIES, file))]),
        ),
      },
      env: { APP: `http://127.0.0.1:${app.port}`, JWKS: `${jwks.origin}/certs` },
    }),
  );
  await sidecar.ready;
  const running = started.move();
  return { port: sidecar.ingressPort, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function sidecarYaml(service: string, query: string): string {
  return `
service: { name: ${service} }
http:
  addr: "127.0.0.1:0"
  tls: { enabled: true, cert_file: /etc/certs/server.crt, key_file: /etc/certs/server.key, client_ca_file: /etc/certs/ca.crt, client_auth: require }
jwt: { issuer: ${ISSUER}, audience: ${service}, jwks_url: "\${JWKS}" }
identities:
  "spiffe://example.org/api-gateway": { client_id: api-gateway, may_forward: [web-app] }
  "spiffe://example.org/order-service": order-service
  "spiffe://example.org/payment-service": payment-service
proxy:
  enabled: true
  upstream: { url: "\${APP}" }
  auth: { enabled: true, header: Authorization }
  authz: { enabled: true, policy_query: ${query} }
  mtls: { enabled: true, allowed_clients: [${ALLOWED.map((name) => `"spiffe://example.org/${name}"`).join(', ')}] }
  headers: { extract: [${HEADERS.join(', ')}] }
policy: { engine: opa_embedded, path: /etc/authz/policies }
`;
}

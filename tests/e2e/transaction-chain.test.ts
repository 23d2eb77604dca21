/**
 * A user's token at the gateway of realm `users`, something of realm `services` behind it: our own issuer trades one for the other, and the inner
 * sidecar decides by what it was traded for.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type BridgedRealms, SERVICES, startBridgedRealms, TRUST_DOMAIN } from '../support/bridged-realms.ts';
import { createTestAuthority, type TestAuthority, type TestCertificate } from '../support/certificates.ts';
import { type HttpApp, startHttpApp, valuesOf } from '../support/http-app.ts';
import { endpointUrl } from '../support/identity-provider.ts';
import { refusalChecks } from '../support/refusal.ts';
import { startTestSidecar, type TestSidecar } from '../support/sidecar.ts';
import { sendRequest, type WireAnswer } from '../support/wire.ts';

const USERS = 'https://keycloak.example.com/realms/users';
const DRAFT = 'draft-ietf-oauth-transaction-tokens-10';
const ID = 'spiffe://example.org';

const POLICY = `package order

import rego.v1

default allow := false

# Begun by the gateway, for exactly this request.
allow if {
	input.request.path == "/orders"
	input.mtls.spiffe_id == "${ID}/zone1/api-gateway"
	input.txn.sub != ""
	input.txn.req_wl == "api-gateway"
	"orders:create" in split(input.txn.scope, " ")
	input.txn.tctx.method == input.request.method
	input.txn.tctx.path == "/api/orders"
}

allow if {
	input.request.path == "/exchanged"
	input.token.sub != ""
	input.token.act.client_id == "api-gateway"
}
`;

let realms: BridgedRealms;
let zone: TestAuthority;
let app: HttpApp;
let inner: TestSidecar;
let gateway: TestSidecar;
let thief: TestCertificate;
const stack = new AsyncDisposableStack();

before(async () => {
  realms = stack.use(await startBridgedRealms());
  zone = createTestAuthority('services-CA');
  app = stack.use(await startHttpApp());
  inner = stack.use(await startInner());
  gateway = stack.use(await startGateway());
  thief = zone.issue({ uris: [`${ID}/zone2/report-service`], subject: [{ CN: 'report-service' }] });
  await Promise.all([inner.ready, gateway.ready]);
});
after(() => stack[Symbol.asyncDispose]());

function startInner(): Promise<TestSidecar> {
  const server = zone.issue({ subject: [{ CN: 'order' }], dns: ['order-service.example.org'], eku: ['serverAuth'] });
  return startTestSidecar({
    yaml: `
http:
  addr: 127.0.0.1:0
  tls: { enabled: true, cert_file: /etc/certs/server.crt, key_file: /etc/certs/server.key, client_ca_file: /etc/certs/ca.crt, client_auth: require }
jwt:
  issuer: ${SERVICES}
  audience: order-service
  jwks_url: \${KEYS}
  transaction_tokens: { draft: ${DRAFT}, trust_domain: ${TRUST_DOMAIN}, issuer: "${SERVICES}", jwks_url: "\${KEYS}" }
identities:
  ${ID}/zone1/api-gateway: api-gateway
  ${ID}/zone2/report-service: plain
proxy:
  enabled: true
  upstream: { url: "\${APP}" }
  routes: [{ path: /orders, auth_required: false }, { path: /exchanged }]
  authz: { policy_query: data.order.allow }
  mtls: { enabled: true, allowed_clients: ["${ID}/zone1/api-gateway", "${ID}/zone2/report-service"] }
`,
    files: {
      '/etc/certs/server.crt': server.certPem,
      '/etc/certs/server.key': server.keyPem,
      '/etc/certs/ca.crt': zone.certPem,
      '/etc/authz/policies/order.rego': POLICY,
    },
    env: { APP: `http://127.0.0.1:${app.port}`, KEYS: endpointUrl(realms.provider, 'services', 'certs') },
  });
}

function startGateway(): Promise<TestSidecar> {
  const own = zone.issue({ uris: [`${ID}/zone1/api-gateway`], subject: [{ CN: 'api-gateway' }] });
  const tls =
    '{ enabled: true, ca_cert: /etc/certs/ca.crt, client_cert: /etc/certs/own.crt, client_key: /etc/certs/own.key }';
  const client = 'token_url: "${TOKENS}", client_id: api-gateway, client_secret: "${SECRET}"';
  return startTestSidecar({
    yaml: `
http: { addr: "127.0.0.1:0" }
jwt: { issuer: "${USERS}", audience: api-gateway, jwks_url: "\${KEYS}" }
proxy:
  enabled: true
  authz: { enabled: false }
  routes:
    - { path: /api/orders, upstream: "https://order-service.example.org:8443", strip_prefix: /api }
    - { path: /api/exchanged, upstream: "https://order-service.example.org:9443", strip_prefix: /api }
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets:
    orders:
      url: https://order-service.example.org:8443
      tls: ${tls}
      auth: { type: transaction_token, ${client}, scopes: [orders:create], trust_domain: ${TRUST_DOMAIN} }
    exchanged:
      url: https://order-service.example.org:9443
      tls: ${tls}
      auth: { type: token_exchange, ${client}, scopes: [orders:read], audience: order-service }
  routes: [{ path_prefix: /out, target: exchanged, strip_prefix: /out }, { path_prefix: /txn, target: orders, strip_prefix: /txn }]
`,
    files: {
      '/etc/certs/own.crt': own.certPem,
      '/etc/certs/own.key': own.keyPem,
      '/etc/certs/ca.crt': zone.certPem,
    },
    env: {
      KEYS: endpointUrl(realms.provider, 'users', 'certs'),
      TOKENS: endpointUrl(realms.provider, 'services', 'token'),
      SECRET: 'canary-api-gateway',
    },
    connectTo: new Map(
      ['order-service.example.org:8443', 'order-service.example.org:9443'].map((name) => [
        name,
        { address: '127.0.0.1', port: inner.ingressPort },
      ]),
    ),
  });
}

const ask = (token: string, target: string, options: { readonly method?: string; readonly headers?: string[] } = {}) =>
  sendRequest(
    { port: gateway.ingressPort },
    { ...options, target, headers: ['Authorization', `Bearer ${token}`, ...(options.headers ?? [])] },
  );

const issued = (): number => realms.provider.events.length;

/** What the app behind the inner sidecar got last. */
const arrived = (name: string): readonly string[] => valuesOf(app.seen.at(-1)?.rawHeaders ?? [], name);

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
}

/** Straight to the inner sidecar, past the gateway. */
const intrude = (headers: readonly string[], certificate: TestCertificate, target: string): Promise<WireAnswer> =>
  sendRequest(
    {
      port: inner.ingressPort,
      tls: {
        ca: zone.certPem,
        cert: certificate.certPem,
        key: certificate.keyPem,
        servername: 'order-service.example.org',
      },
    },
    { target, headers },
  );

describe("a user's token at the gateway", () => {
  test('begins a transaction in the other realm, for exactly this request, whose policy reads it; the token itself stays behind', async () => {
    const token = await realms.userToken();
    const answer = await ask(token, '/api/orders', { method: 'POST', headers: ['Txn-Token', 'made-up'] });
    assert.equal(answer.status, 200, answer.raw);
    const [transaction = ''] = arrived('txn-token');
    const { iss, aud, txn, tctx, scope } = claimsOf(transaction);
    assert.deepEqual(
      [iss, aud, scope, tctx],
      [SERVICES, TRUST_DOMAIN, 'orders:create', { method: 'POST', path: '/api/orders' }],
    );
    assert.deepEqual(arrived('authorization'), []);
    assert.equal(inner.audit.at(-1)?.['txn'], txn);
    assert.ok(!app.seen.at(-1)?.rawHeaders.join('\n').includes(token));

    assert.equal((await ask(token, '/api/orders')).status, 200);
    const [another = ''] = arrived('txn-token');
    assert.notEqual(claimsOf(another)['txn'], txn, 'another request is another transaction');
  });

  test('whose scope does not reach is not traded, and the request does not leave', async () => {
    const token = await realms.userToken('orders:read');
    const before = app.seen.length;
    const answer = await ask(token, '/api/orders');
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [502, 'idp_bad_response']);
    assert.equal(app.seen.length, before);
    assert.ok(!gateway.log().includes(token));
  });

  test('is exchanged for one of the other realm, once however often it comes', async () => {
    const token = await realms.userToken();
    const before = issued();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(token, '/api/exchanged')));
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array.from({ length: 20 }, () => 200),
    );
    assert.equal(issued() - before, 1);
    assert.equal(inner.audit.at(-1)?.['calling_service'], 'api-gateway');
    assert.equal(inner.audit.at(-1)?.['user_id'], 'user-123', 'the gateway acts, for its user');
  });

  test("S4-081 another login gets another token, and neither is the other's", async () => {
    const before = issued();
    const tokens = [await realms.userToken(), await realms.userToken()];
    for (const token of [...tokens, ...tokens]) assert.equal((await ask(token, '/api/exchanged')).status, 200);
    assert.equal(issued() - before, 4, 'two logins, two exchanges');
  });
});

describe("a stolen token of the gateway's", () => {
  test('S4-081 C-060 an exchanged token is worth nothing with the certificate of another client', async () => {
    const { body } = await realms.exchange('api-gateway', await realms.userToken(), { audience: 'order-service' });
    const stolen = String(body['access_token']);
    await refusalChecks(inner, app).refused(
      'identity_token_mismatch',
      () => intrude(['Authorization', `Bearer ${stolen}`], thief, '/exchanged'),
      [stolen],
    );
  });

  test('a transaction token is worth nothing with the certificate of a client that did not begin it', async () => {
    assert.equal((await ask(await realms.userToken(), '/api/orders')).status, 200);
    const [stolen = ''] = arrived('txn-token');
    await refusalChecks(inner, app).refused('policy_denied', () => intrude(['Txn-Token', stolen], thief, '/orders'), [
      stolen,
    ]);
  });

  test('and it is no access token', async () => {
    const [stolen = ''] = arrived('txn-token');
    await refusalChecks(inner, app).refused('token_typ_mismatch', () =>
      intrude(['Authorization', `Bearer ${stolen}`], thief, '/exchanged'),
    );
  });
});

describe('what the local service calls', () => {
  const call = (headers: readonly string[], target: string) =>
    sendRequest({ port: gateway.egressPort }, { target, headers });

  test('without the token of a caller is refused before anything is asked', async () => {
    const before = issued();
    for (const target of ['/out/exchanged', '/txn/orders']) {
      const answer = await call([], target);
      assert.deepEqual([answer.status, JSON.parse(answer.body).code], [401, 'token_missing']);
    }
    assert.equal(issued(), before);
  });

  test("with a token that was not for this service is refused here, by the gateway's own keys", async () => {
    const { body } = await realms.exchange('api-gateway', await realms.userToken(), { audience: 'order-service' });
    const before = issued();
    const answer = await call(['Authorization', `Bearer ${String(body['access_token'])}`], '/out/exchanged');
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [401, 'token_issuer_mismatch']);
    assert.equal(issued(), before);
  });

  test("S4-081 with its caller's token goes out with one for the target", async () => {
    const token = await realms.userToken();
    const answer = await call(['Authorization', `Bearer ${token}`], '/out/exchanged');
    assert.equal(answer.status, 200, answer.raw);
    assert.ok(!app.seen.at(-1)?.rawHeaders.join('\n').includes(token));
  });

  test('for one request is one transaction, and for another one it is another', async () => {
    const token = await realms.userToken();
    const before = issued();
    // No details are known, so the inner policy denies them; what counts is that they were begun.
    for (const correlation of ['one', 'one', 'two']) {
      await call(['Authorization', `Bearer ${token}`, 'X-Correlation-ID', correlation], '/txn/orders');
    }
    assert.equal(issued() - before, 2);
    const ids = inner.audit.slice(-3).map(({ txn }) => txn);
    assert.equal(ids[0], ids[1]);
    assert.notEqual(ids[1], ids[2]);
  });
});

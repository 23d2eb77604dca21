/** The egress proxy alone: a local call becomes a mutual-TLS request with the service's own token. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { createTestAuthority } from '../support/certificates.ts';
import { type HttpApp, startHttpApp, valuesOf } from '../support/http-app.ts';
import { startTestSidecar, type TestSidecar } from '../support/sidecar.ts';
import { startTokenEndpoint, type TokenAnswer, type TokenEndpoint } from '../support/token-endpoint.ts';
import { sendRequest, type WireAnswer, type WireRequest } from '../support/wire.ts';

const SECRET = 'canary-order-service-secret';
const TOKEN = 'canary.service.token';

const zone3 = createTestAuthority('zone3-CA');
const client = zone3.issue({
  subject: [{ O: 'MyOrg' }, { CN: 'order-service-client' }],
  uris: ['spiffe://example.org/zone2/order-service'],
});
const dataServer = zone3.issue({
  subject: [{ CN: 'data-service' }],
  dns: ['data-service.zone3.local'],
  eku: ['serverAuth'],
});
const wrongHost = zone3.issue({
  subject: [{ CN: 'data-service.zone3.local' }],
  dns: ['other.zone3.local'],
  eku: ['serverAuth'],
});
const noSan = zone3.issue({ subject: [{ CN: 'data-service.zone3.local' }], eku: ['serverAuth'] });

let data: HttpApp;
let impostor: HttpApp;
let nameless: HttpApp;
let issuer: TokenEndpoint;
let sidecar: TestSidecar;

const granted = (): TokenAnswer => ({ body: { access_token: TOKEN, token_type: 'Bearer', expires_in: 300 } });

before(async () => {
  issuer = await startTokenEndpoint(granted);
  data = await startHttpApp(undefined, { cert: dataServer.certPem, key: dataServer.keyPem, ca: zone3.certPem });
  impostor = await startHttpApp(undefined, { cert: wrongHost.certPem, key: wrongHost.keyPem, ca: zone3.certPem });
  nameless = await startHttpApp(undefined, { cert: noSan.certPem, key: noSan.keyPem, ca: zone3.certPem });
  sidecar = await startOrderEgress();
});
after(async () => {
  for (const each of [sidecar, data, impostor, nameless, issuer]) await each[Symbol.asyncDispose]();
});
beforeEach(() => {
  issuer.answer = granted;
});

function startOrderEgress(): Promise<TestSidecar> {
  return startTestSidecar({
    yaml: CONFIGURATION,
    files: {
      '/etc/certs/client-zone3.crt': client.certPem,
      '/etc/certs/client-zone3.key': client.keyPem,
      '/etc/certs/zone3-ca.crt': zone3.certPem,
    },
    env: { TOKEN_URL: issuer.url, ORDER_SERVICE_CLIENT_SECRET: SECRET },
    connectTo: new Map([
      ['data-service.zone3.local:8443', { address: '127.0.0.1', port: data.port }],
      ['data-service.zone3.local:9443', { address: '127.0.0.1', port: impostor.port }],
      ['data-service.zone3.local:9444', { address: '127.0.0.1', port: nameless.port }],
      ['data-service.zone3.local:1', { address: '127.0.0.1', port: 1 }],
    ]),
  });
}

const CONFIGURATION = `
service: { name: order-service }
egress:
  enabled: true
  addr: 127.0.0.1:0
  token_store: { type: memory }
  targets:
    data-service: &data
      url: https://data-service.zone3.local:8443
      auth:
        type: oauth2_client_credentials
        token_url: \${TOKEN_URL}
        client_id: order-service
        client_secret: \${ORDER_SERVICE_CLIENT_SECRET}
        scopes: ["data-service:read", "data-service:write"]
        refresh_before_expiry: 60s
      tls: &zone3
        enabled: true
        client_cert: /etc/certs/client-zone3.crt
        client_key: /etc/certs/client-zone3.key
        ca_cert: /etc/certs/zone3-ca.crt
    narrow:
      url: https://data-service.zone3.local:8443
      auth:
        type: oauth2_client_credentials
        token_url: \${TOKEN_URL}
        client_id: order-service
        client_secret: \${ORDER_SERVICE_CLIENT_SECRET}
        scopes: ["data-service:read"]
      tls: *zone3
    open: { url: "https://data-service.zone3.local:8443", auth: { type: none }, tls: *zone3 }
    other-host: { url: "https://data-service.zone3.local:9443", auth: { type: none }, tls: *zone3 }
    no-san: { url: "https://data-service.zone3.local:9444", auth: { type: none }, tls: *zone3 }
    gone: { url: "https://data-service.zone3.local:1", auth: { type: none }, tls: *zone3 }
  routes:
    - { path_prefix: /data, target: data-service, strip_prefix: /data }
    - { path_prefix: /open, target: open, methods: [GET], strip_prefix: /open, rewrite_prefix: /v2 }
    - { path_prefix: /narrow, target: narrow }
    - { path_prefix: /other-host, target: other-host }
    - { path_prefix: /no-san, target: no-san }
    - { path_prefix: /gone, target: gone }
`;

function call(request: WireRequest): Promise<WireAnswer> {
  return sendRequest({ port: sidecar.egressPort }, request);
}

function lastSeen() {
  const seen = data.seen.at(-1);
  assert.ok(seen !== undefined);
  return { ...seen, values: (name: string) => valuesOf(seen.rawHeaders, name) };
}

async function refused(code: ProblemCode, request: WireRequest): Promise<void> {
  const before = { seen: data.seen.length, audit: sidecar.audit.length };
  const answer = await call(request);
  assert.equal((JSON.parse(answer.body) as { code: string }).code, code, answer.raw);
  assert.equal(data.seen.length, before.seen, 'nothing may reach the target');
  const records = sidecar.audit.slice(before.audit);
  assert.deepEqual(
    records.map((record) => [record['direction'], record['decision'], record['code']]),
    [['egress', 'deny', code]],
  );
}

describe('egress refuses', () => {
  const ROWS: readonly (readonly [title: string, code: ProblemCode, request: WireRequest])[] = [
    ['S3-045 a path without a route', 'route_not_found', { target: '/secrets' }],
    ['C-101 S3-184 /database, which only begins like /data', 'route_not_found', { target: '/database' }],
    ['C-102 an empty segment that could become an authority', 'path_ambiguous', { target: '/data//evil.com/x' }],
    ['C-102 an authority after the prefix', 'path_ambiguous', { target: '/data/@evil.com' }],
    ['C-102 a URL after the prefix', 'path_ambiguous', { target: '/data/http://evil/' }],
    ['C-103 dot segments', 'path_ambiguous', { target: '/data/../../token' }],
    ['a method that the route does not list', 'route_not_found', { method: 'POST', target: '/open/x' }],
    [
      'C-211 the Host of a rebound browser',
      'misdirected_request',
      { target: '/data/x', headers: ['Host', 'evil.example'] },
    ],
    ['C-095 another host in absolute form', 'host_mismatch', { target: 'http://evil.example/data/x' }],
  ];
  for (const [title, code, request] of ROWS) test(`${title}: ${code}`, () => refused(code, request));
});

describe('a request that leaves', () => {
  test('S3-041 S3-186 S3-216 keeps method, query, body and headers, and loses the stripped prefix', async () => {
    const answer = await call({
      method: 'POST',
      target: '/data/orders?dry=1',
      headers: ['Content-Type', 'application/json', 'X-Custom', 'kept'],
      body: '{"product_id":"PROD-123"}',
    });
    assert.equal(answer.status, 200);
    const { method, url, body, values } = lastSeen();
    assert.deepEqual([method, url, body], ['POST', '/orders?dry=1', '{"product_id":"PROD-123"}']);
    assert.deepEqual([values('content-type'), values('x-custom')], [['application/json'], ['kept']]);
  });

  test('S3-039 S3-103 S3-182 shows the client certificate of the target zone', async () => {
    await call({ target: '/data/inventory/PROD-123' });
    assert.equal(lastSeen().clientName, 'order-service-client');
  });

  test('S3-040 S3-103 S3-217 carries the service token, both context headers unchanged', async () => {
    await call({ target: '/data/x', headers: ['X-User-Context', 'user-123', 'X-Correlation-ID', 'req-abc'] });
    const { values } = lastSeen();
    assert.deepEqual(values('authorization'), [`Bearer ${TOKEN}`]);
    assert.deepEqual([values('x-user-context'), values('x-correlation-id')], [['user-123'], ['req-abc']]);
  });

  test("C-214 C-218 S3-046 never carries the app's own Authorization, Cookie or X-Forwarded-Client-Cert", async () => {
    const forged = [
      'Authorization',
      'Bearer user-token',
      'Cookie',
      'a=b',
      'X-Forwarded-Client-Cert',
      'x',
      'X-User-ID',
      'eve',
    ];
    await call({ target: '/data/x', headers: forged });
    const { values } = lastSeen();
    assert.deepEqual(values('authorization'), [`Bearer ${TOKEN}`]);
    for (const name of ['cookie', 'x-forwarded-client-cert', 'x-user-id']) assert.deepEqual(values(name), []);
  });

  test('S3-175 with auth.type none carries no token at all, and the rewritten prefix', async () => {
    await call({ target: '/open/x', headers: ['Authorization', 'Bearer user-token'] });
    assert.deepEqual([lastSeen().values('authorization'), lastSeen().url], [[], '/v2/x']);
  });

  test('S3-042 S3-043 leaves one record with target, status and duration', async () => {
    const before = sidecar.audit.length;
    await call({ target: '/data/inventory/PROD-123' });
    const [record = {}, ...others] = sidecar.audit.slice(before);
    assert.equal(others.length, 0);
    assert.deepEqual(
      [
        record['service'],
        record['downstream'],
        record['path'],
        record['upstream_path'],
        record['status'],
        record['decision'],
      ],
      ['order-service', 'data-service', '/data/inventory/PROD-123', '/inventory/PROD-123', 200, 'allow'],
    );
    assert.equal(typeof record['duration_ms'], 'number');
  });

  test('S3-044 the listener is bound to loopback and serves 127.0.0.1 and localhost', async () => {
    for (const host of ['127.0.0.1', `localhost:${sidecar.egressPort}`]) {
      assert.equal((await call({ target: '/data/x', headers: ['Host', host] })).status, 200);
    }
  });
});

describe('the token', () => {
  test('S3-038 S3-101 S3-102 S3-179 is asked for once with the configured client, secret and scopes, then cached', async () => {
    await using fresh = await startOrderEgress();
    const before = issuer.requests.length;
    await Promise.all(Array.from({ length: 20 }, () => sendRequest({ port: fresh.egressPort }, { target: '/data/x' })));
    await sendRequest({ port: fresh.egressPort }, { target: '/data/x' });
    const [request, ...others] = issuer.requests.slice(before);
    assert.equal(others.length, 0, 'one token request for all of them');
    assert.deepEqual(Object.fromEntries(request?.form ?? []), {
      grant_type: 'client_credentials',
      client_id: 'order-service',
      client_secret: SECRET,
      scope: 'data-service:read data-service:write',
    });
  });

  test('C-217 of one target is never sent to another, though client and issuer are the same', async () => {
    await using fresh = await startOrderEgress();
    issuer.answer = ({ form }) => ({
      body: {
        access_token: `for.${form.get('scope')?.replaceAll(/[ :]/g, '.')}`,
        token_type: 'Bearer',
        expires_in: 300,
      },
    });
    const sent: (string | undefined)[] = [];
    for (const target of ['/data/x', '/narrow/x', '/data/x']) {
      assert.equal((await sendRequest({ port: fresh.egressPort }, { target })).status, 200);
      sent.push(lastSeen().values('authorization')[0]);
    }
    const wide = 'Bearer for.data-service.read.data-service.write';
    assert.deepEqual(sent, [wide, 'Bearer for.data-service.read', wide]);
  });

  const BAD: readonly (readonly [title: string, code: ProblemCode, answer: TokenAnswer])[] = [
    [
      'C-215 a token with a line end',
      'idp_bad_response',
      { body: { access_token: 'a\r\nX: y', token_type: 'Bearer' } },
    ],
    ['C-215 another token type', 'idp_bad_response', { body: { access_token: 'a', token_type: 'mac' } }],
    ['C-215 one megabyte', 'idp_bad_response', { body: { access_token: 'a'.repeat(1_048_576), token_type: 'Bearer' } }],
    ['a refusal', 'idp_bad_response', { status: 401, body: { error: 'invalid_client', error_description: SECRET } }],
    ['no answer', 'idp_unavailable', 'reset'],
  ];
  for (const [title, code, answer] of BAD) {
    test(`${title} is ${code}, and nothing is sent`, async () => {
      await using fresh = await startOrderEgress();
      issuer.answer = () => answer;
      const before = data.seen.length;
      const refusal = await sendRequest({ port: fresh.egressPort }, { target: '/data/x' });
      assert.equal((JSON.parse(refusal.body) as { code: string }).code, code);
      assert.equal(data.seen.length, before);
      for (const text of [JSON.stringify(fresh.audit), fresh.log(), refusal.raw]) assert.ok(!text.includes(SECRET));
      assert.equal(fresh.audit.at(-1)?.['decision'], 'deny');
    });
  }
});

describe('the target', () => {
  const ROWS: readonly (readonly [title: string, target: string, status: number, code: ProblemCode])[] = [
    ['C-186 S3-183 has a certificate for another host', '/other-host/x', 502, 'upstream_tls'],
    ['C-186 has a certificate with a common name only', '/no-san/x', 502, 'upstream_tls'],
    ['S3-036 cannot be reached', '/gone/x', 502, 'upstream_unreachable'],
  ];
  for (const [title, target, status, code] of ROWS) {
    test(`${title}: ${status} ${code}`, async () => {
      const answer = await call({ target });
      assert.deepEqual([answer.status, (JSON.parse(answer.body) as { code: string }).code], [status, code]);
      assert.equal(sidecar.audit.at(-1)?.['code'], code);
    });
  }

  test('C-213 a redirect is handed on, never followed with our credentials', async () => {
    const seen: string[] = [];
    await using redirecting = await startHttpApp(
      (request, response) => {
        seen.push(request.url);
        response.writeHead(302, { Location: 'https://evil.example/' }).end();
      },
      { cert: dataServer.certPem, key: dataServer.keyPem, ca: zone3.certPem },
    );
    await using fresh = await startTestSidecar({
      yaml: CONFIGURATION,
      files: {
        '/etc/certs/client-zone3.crt': client.certPem,
        '/etc/certs/client-zone3.key': client.keyPem,
        '/etc/certs/zone3-ca.crt': zone3.certPem,
      },
      env: { TOKEN_URL: issuer.url, ORDER_SERVICE_CLIENT_SECRET: SECRET },
      connectTo: new Map([['data-service.zone3.local:8443', { address: '127.0.0.1', port: redirecting.port }]]),
    });
    const answer = await sendRequest({ port: fresh.egressPort }, { target: '/data/x' });
    assert.deepEqual([answer.status, answer.headers['location'], seen], [302, 'https://evil.example/', ['/x']]);
  });
});

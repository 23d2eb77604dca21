import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { endpointUrl, startIdentityProvider } from '../../../../../tests/support/identity-provider.ts';
import { ORDER_SECRET, servicesRealm, usersRealm } from '../../../../../tests/support/realms.ts';

const start = () =>
  startIdentityProvider({
    realms: [servicesRealm(), usersRealm(), { realm: 'closed', enabled: false }],
    algorithms: ['ES256'],
  });

const NOT_FOUND = [
  '/',
  '/realms',
  '/realms/services',
  '/realms/services/protocol/openid-connect/auth',
  '/realms/services/protocol/openid-connect/token/',
  '/realms/nobody/protocol/openid-connect/token',
  '/realms/closed/protocol/openid-connect/certs',
  '/realms/serv%69ces/protocol/openid-connect/certs',
  '/realms//services/protocol/openid-connect/certs',
  '/realms/__proto__/protocol/openid-connect/certs',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server/realms/nobody',
];

for (const [how, answer] of [
  [
    'throws',
    () => {
      throw new Error('canary-inside');
    },
  ],
  ['rejects', () => Promise.reject(new Error('canary-inside'))],
] as const) {
  test(`an endpoint that ${how} is 500 without a word of why, and the others go on`, async () => {
    const routes = [(path: string) => (path === '/broken' ? { methods: ['GET'], answer } : undefined)];
    await using provider = await startIdentityProvider({ realms: [servicesRealm()], algorithms: ['ES256'], routes });
    const broken = await fetch(`${provider.url}/broken`);
    assert.equal(broken.status, 500);
    assert.doesNotMatch(await broken.text(), /canary/);
    const certs = await fetch(endpointUrl(provider, 'services', 'certs'));
    assert.equal(certs.status, 200);
    await certs.text();
  });
}

for (const path of NOT_FOUND) {
  test(`${path} is answered 404 in JSON`, async () => {
    await using provider = await start();
    const response = await fetch(provider.url + path, { method: 'POST' });
    assert.equal(response.status, 404);
    assert.equal(response.headers.get('content-type'), 'application/json');
    assert.deepEqual(await response.json(), { error: 'not_found', error_description: 'there is no such endpoint' });
  });
}

for (const [method, path, allow] of [
  ['GET', '/realms/services/protocol/openid-connect/token', 'POST'],
  ['PUT', '/realms/services/protocol/openid-connect/token', 'POST'],
  ['OPTIONS', '/realms/services/protocol/openid-connect/token', 'POST'],
  ['POST', '/realms/services/protocol/openid-connect/certs', 'GET, HEAD'],
  ['DELETE', '/realms/services/.well-known/openid-configuration', 'GET, HEAD'],
] as const) {
  test(`C-205 ${method} ${path} is answered 405 and names ${allow}`, async () => {
    await using provider = await start();
    const response = await fetch(provider.url + path, { method });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get('allow'), allow);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    await response.text();
  });
}

/** What the provider answers to these bytes, until it closes the connection. */
async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes, 'latin1');
  return text(socket);
}

const TOKEN = 'POST /realms/services/protocol/openid-connect/token HTTP/1.1\r\nHost: x\r\n';
const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n';
const BODY = `grant_type=client_credentials&client_id=order-service&client_secret=${ORDER_SECRET}`;
const RAW: readonly (readonly [string, string, number])[] = [
  ['garbage', 'hello\r\n\r\n', 400],
  [
    'Content-Length beside Transfer-Encoding',
    `${TOKEN}${FORM}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['a header of 20 KiB', `${TOKEN}X: ${'x'.repeat(20_480)}\r\n\r\n`, 431],
  ['an upgrade', `${TOKEN}Connection: upgrade\r\nUpgrade: h2c\r\n\r\n`, 400],
  ['an unknown expectation', `${TOKEN}${FORM}Expect: payment\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, 417],
  ['an announced body of more than 64 KiB', `${TOKEN}${FORM}Content-Length: 65537\r\n\r\n`, 413],
  [
    'a chunked body of more than 64 KiB',
    `${TOKEN}${FORM}Transfer-Encoding: chunked\r\n\r\n10001\r\n${'x'.repeat(65_537)}`,
    413,
  ],
  [
    'two Authorization headers',
    `${TOKEN}${FORM}Connection: close\r\nAuthorization: Basic YTpi\r\nAuthorization: Basic YTpi\r\nContent-Length: 29\r\n\r\ngrant_type=client_credentials`,
    400,
  ],
];

for (const [title, bytes, status] of RAW) {
  test(`${title} is answered ${status} and the connection ends`, async () => {
    await using provider = await start();
    const answer = await exchange(provider.port, bytes);
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(answer.toLowerCase(), /\r\nconnection: close\r\n/);
    assert.doesNotMatch(answer, /canary/);
  });
}

test('Expect: 100-continue is answered before the body is read', async () => {
  await using provider = await start();
  const bytes = `${TOKEN}${FORM}Expect: 100-continue\r\nConnection: close\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
  assert.match(await exchange(provider.port, bytes), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
});

test('a target in absolute form is the same as one in origin form', async () => {
  await using provider = await start();
  const bytes = TOKEN.replace('/realms', 'https://keycloak.example.com/realms');
  const head = `${bytes}${FORM}Connection: close\r\nContent-Length: ${BODY.length}\r\n\r\n`;
  assert.match(await exchange(provider.port, head + BODY), /^HTTP\/1\.1 200 OK\r\n/);
});

test('S3-140 both realms have their token and certs endpoints at the paths of Keycloak', async () => {
  await using provider = await start();
  const kids = [];
  for (const realm of ['services', 'users']) {
    const response = await fetch(endpointUrl(provider, realm, 'certs'));
    assert.equal(response.headers.get('cache-control'), 'public, max-age=300');
    assert.equal(response.headers.get('pragma'), null);
    const { keys } = (await response.json()) as { keys: Record<string, string>[] };
    for (const key of keys) assert.deepEqual(Object.keys(key).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    kids.push(...keys.map(({ kid }) => kid));
    const token = await fetch(endpointUrl(provider, realm, 'token'), { method: 'POST' });
    assert.deepEqual([token.status, ((await token.json()) as { error: string }).error], [400, 'invalid_request']);
  }
  assert.equal(new Set(kids).size, 2, 'each realm has its own key');
});

test('discovery names endpoints that answer, by OpenID Connect and by RFC 8414 alike', async () => {
  const publicUrl = 'https://keycloak.example.com';
  await using provider = await start();
  for (const realm of ['services', 'users']) {
    const read = async (path: string) => (await fetch(provider.url + path)).json() as Promise<Record<string, unknown>>;
    const metadata = await read(`/realms/${realm}/.well-known/openid-configuration`);
    assert.deepEqual(await read(`/.well-known/oauth-authorization-server/realms/${realm}`), metadata);
    assert.equal(metadata['issuer'], `${publicUrl}/realms/${realm}`);
    for (const [endpoint, status] of [
      ['jwks_uri', 200],
      ['token_endpoint', 405],
      ['introspection_endpoint', 405],
      ['revocation_endpoint', 405],
    ] as const) {
      const url = String(metadata[endpoint]);
      assert.ok(url.startsWith(`${publicUrl}/`));
      const response = await fetch(url.replace(publicUrl, provider.url));
      assert.equal(response.status, status);
      await response.text();
    }
    const grants = realm === 'users' ? ['client_credentials', 'password'] : ['client_credentials'];
    assert.deepEqual(metadata['grant_types_supported'], grants);
    const methods = realm === 'users' ? ['none'] : ['client_secret_basic', 'client_secret_post'];
    assert.deepEqual(metadata['token_endpoint_auth_methods_supported'], methods);
  }
});

test('close ends idle connections and stops listening', async () => {
  const provider = await start();
  const response = await fetch(endpointUrl(provider, 'services', 'certs'));
  await response.text();
  await provider.close();
  await assert.rejects(fetch(endpointUrl(provider, 'services', 'certs')));
});

test('plain http is refused on an address that others can reach', async () => {
  await assert.rejects(startIdentityProvider({ realms: [servicesRealm()], host: '0.0.0.0' }), /loopback/);
});

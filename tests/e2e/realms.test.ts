/** The realm files of the example, served by `sidegate idp` as a user starts it: who gets which token. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import type { KeycloakRealm } from '../../packages/sidegate/src/authority/issuer/keycloak-realm.ts';
import { type ClosableHttpClient, createHttpClient } from '../../packages/sidegate/src/net/http-client.ts';
import { createTestAuthority, type TestCertificate } from '../support/certificates.ts';
import { type IssuerProcess, startIdpProcess } from '../support/issuer-process.ts';

const REALMS = path.resolve(import.meta.dirname, '../../examples/three-zones/realms');
const HOST = 'keycloak.example.com';
const BASE_URL = `https://${HOST}`;
const env = {
  LAB_PASSWORD_JOHN: 'canary-john',
  LAB_PASSWORD_MARY: 'canary-mary',
  LAB_PASSWORD_PAUL: 'canary-paul',
  API_GATEWAY_CLIENT_SECRET: 'canary-api-gateway',
  ORDER_SERVICE_CLIENT_SECRET: 'canary-order-service',
  PAYMENT_SERVICE_CLIENT_SECRET: 'canary-payment-service',
};

const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-realms-'));
const servers = createTestAuthority('keycloak-CA');
const server = servers.issue({ dns: [HOST], eku: ['serverAuth'] });
const clients = createTestAuthority('zone3-CA');
const certificate = clients.issue();
let idp: IssuerProcess;
/** Shows no certificate, and the one of a service. */
let anybody: ClosableHttpClient;
let holder: ClosableHttpClient;

function file(name: string, text: string): string {
  const target = path.join(directory, name);
  writeFileSync(target, text, { mode: 0o600 });
  return target;
}

before(async () => {
  const realms = ['users', 'services'].map((name) => path.join(REALMS, `${name}.json`));
  const tls = { cert_file: file('idp.crt', server.certPem), key_file: file('idp.key', server.keyPem) };
  const clientCa = file('clients.crt', clients.certPem);
  const config = { addr: '127.0.0.1:0', base_url: BASE_URL, tls: { ...tls, client_ca_file: clientCa }, realms };
  idp = await startIdpProcess(['--config', file('idp.yaml', JSON.stringify(config))], env);
  assert.ok(idp.url, idp.stderr());
  anybody = httpClient();
  holder = httpClient(certificate);
});

after(async () => {
  await Promise.all([anybody.close(), holder.close()]);
  await idp.end();
  rmSync(directory, { recursive: true });
});

const realmFile = (name: string) =>
  JSON.parse(readFileSync(path.join(REALMS, `${name}.json`), 'utf8')) as KeycloakRealm;

interface TokenAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

function httpClient(client?: TestCertificate): ClosableHttpClient {
  const pair = client === undefined ? {} : { cert: client.certPem, key: client.keyPem };
  return createHttpClient({
    connectTo: new Map([[`${HOST}:443`, { address: '127.0.0.1', port: idp.port }]]),
    tls: { ca: servers.certPem, ...pair },
  });
}

async function ask(realm: string, form: Readonly<Record<string, string>>, as = anybody): Promise<TokenAnswer> {
  const { status, body } = await as.send({
    method: 'POST',
    url: `${BASE_URL}/realms/${realm}/protocol/openid-connect/token`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
    timeoutMs: 5_000,
    maxBytes: 65_536,
  });
  return { status, body: JSON.parse(body.toString()) as Record<string, unknown> };
}

async function keysOf(realm: string): Promise<JSONWebKeySet> {
  const url = `${BASE_URL}/realms/${realm}/protocol/openid-connect/certs`;
  const { body } = await anybody.send({ method: 'GET', url, headers: {}, timeoutMs: 5_000, maxBytes: 65_536 });
  return JSON.parse(body.toString()) as JSONWebKeySet;
}

/** The claims, after jose has verified the token with the published keys. */
async function claimsOf(realm: string, { status, body }: TokenAnswer, audience: string): Promise<JWTPayload> {
  assert.equal(status, 200, JSON.stringify(body));
  const keys = createLocalJWKSet(await keysOf(realm));
  const issuer = `${BASE_URL}/realms/${realm}`;
  return (await jwtVerify(String(body['access_token']), keys, { issuer, audience, typ: 'at+jwt' })).payload;
}

const login = (username: string, secret: string) =>
  ask('users', { grant_type: 'password', client_id: 'web-app', username, password: secret });
const service = (client: string, more: Readonly<Record<string, string>> = {}, as = holder) => {
  const credentials = { client_id: client, client_secret: `canary-${client}` };
  return ask('services', { grant_type: 'client_credentials', ...credentials, ...more }, as);
};

test('S3-136 the realm files ship no secret: every one is a variable', () => {
  for (const name of ['users', 'services']) {
    const { clients = [], users = [] } = realmFile(name);
    const secrets = [
      ...clients.map(({ secret }) => secret),
      ...users.flatMap(({ credentials = [] }) => credentials.map(({ value }) => value)),
    ].filter((secret) => secret !== undefined);
    assert.ok(secrets.length >= 3);
    for (const secret of secrets) assert.match(secret, /^\$\{[A-Z_]+\}$/);
  }
});

test('S3-132 S3-133 S3-134 S3-135 realm services has the clients of the seed, with its settings', () => {
  const { enabled, clients = [] } = realmFile('services');
  assert.equal(enabled, true);
  const settings = { enabled: true, publicClient: false, serviceAccountsEnabled: true };
  for (const clientId of ['api-gateway', 'order-service', 'payment-service']) {
    const client = clients.find((client) => client.clientId === clientId);
    const { enabled, publicClient, serviceAccountsEnabled, clientAuthenticatorType } = client ?? {};
    assert.deepEqual({ enabled, publicClient, serviceAccountsEnabled }, settings);
    assert.equal(clientAuthenticatorType, 'client-secret');
  }
  assert.equal(new Set(clients.map(({ secret }) => secret)).size, clients.length, 'each has its own secret');
});

test('S3-085 S3-086 S3-139 SD-12 john logs in and holds exactly what the walk-through says', async () => {
  assert.deepEqual((await login('john', 'canary-mary')).body['error'], 'invalid_grant');
  const answer = await login('john', env.LAB_PASSWORD_JOHN);
  assert.equal(answer.body['token_type'], 'Bearer');
  const { sub, preferred_username, email, realm_access, azp, exp } = await claimsOf('users', answer, 'api-gateway');
  assert.deepEqual(
    { sub, preferred_username, email, realm_access, azp },
    {
      sub: 'user-123',
      preferred_username: 'john',
      email: 'john@example.com',
      realm_access: { roles: ['customer', 'orders:create'] },
      azp: 'web-app',
    },
  );
  assert.equal(typeof exp, 'number');
});

test('S3-093 SD-09 a user token is for the gateway and both services of zone 2, and for nobody else', async () => {
  const answer = await login('john', env.LAB_PASSWORD_JOHN);
  for (const audience of ['api-gateway', 'order-service', 'payment-service']) {
    const { aud } = await claimsOf('users', answer, audience);
    assert.deepEqual(aud, ['api-gateway', 'order-service', 'payment-service']);
  }
});

for (const [username, roles] of [
  ['mary', ['customer', 'payments:create', 'payments:read']],
  ['paul', ['payments:read']],
] as const) {
  test(`${username} holds ${roles.join(', ')}`, async () => {
    const claims = await claimsOf('users', await login(username, `canary-${username}`), 'payment-service');
    assert.deepEqual(claims['realm_access'], { roles });
  });
}

test('S3-071 S3-137 S3-138 service accounts hold the permission matrix at data-service', async () => {
  for (const [client, scope, permissions] of [
    ['order-service', 'data-service:read data-service:write', ['read-inventory', 'read-orders', 'write-orders']],
    ['payment-service', 'data-service:read data-service:write-payments', ['read-orders', 'write-payments']],
  ] as const) {
    const answer = await service(client, { scope });
    const claims = await claimsOf('services', answer, 'data-service');
    const { aud, azp, client_id, realm_access, resource_access, scope: granted } = claims;
    assert.deepEqual(
      { aud, azp, client_id, granted },
      { aud: 'data-service', azp: client, client_id: client, granted: scope },
    );
    assert.deepEqual(realm_access, { roles: ['service-account'] });
    assert.deepEqual(resource_access, { 'data-service': { roles: permissions } });
  }
});

test('SD-05 S3-014 the token of a service is bound to the certificate that asked for it, and none is issued without', async () => {
  for (const client of ['order-service', 'payment-service']) {
    const { status, body } = await service(client, {}, anybody);
    assert.deepEqual([status, body['error']], [400, 'invalid_request']);
    const { cnf } = await claimsOf('services', await service(client), 'data-service');
    assert.deepEqual(cnf, { 'x5t#S256': certificate.thumbprint });
  }
});

test('S3-102 client credentials of order-service alone give a token of 300 s', async () => {
  const answer = await service('order-service');
  assert.deepEqual([answer.body['expires_in'], answer.body['scope']], [300, 'data-service:read']);
  const { exp = 0, iat = 0 } = await claimsOf('services', answer, 'data-service');
  assert.equal(exp - iat, 300);
});

for (const [title, request, error] of [
  [
    'payment-service may not write orders',
    () => service('payment-service', { scope: 'data-service:write' }),
    'invalid_scope',
  ],
  [
    'order-service may not write payments',
    () => service('order-service', { scope: 'data-service:write-payments' }),
    'invalid_scope',
  ],
  [
    'a service cannot aim at another service',
    () => service('order-service', { audience: 'payment-service' }),
    'invalid_target',
  ],
  ['the gateway has no service to call', () => service('api-gateway'), 'invalid_target'],
  ['data-service asks for no token', () => service('data-service'), 'invalid_client'],
  [
    'SD-14 no password opens realm services',
    () => ask('services', { grant_type: 'password', client_id: 'web-app', username: 'john', password: 'canary-john' }),
    'unsupported_grant_type',
  ],
] as const) {
  test(`${title}: ${error}`, async () => {
    assert.equal((await request()).body['error'], error);
  });
}

test('SD-14 the password grant is announced with a warning at start', () => {
  assert.match(idp.stderr(), /users\.json:\d+:\d+: warning: .*sidegate\.lab.*password/);
  assert.doesNotMatch(idp.stderr() + idp.stdout(), /canary/);
});

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { createDpopKey } from '@sidegate/sdk';
import { createTestAuthority } from '../../../../tests/support/certificates.ts';
import { startIdpProcess } from '../../../../tests/support/issuer-process.ts';
import { bytes, startJwksServer } from '../../../../tests/support/jwks-server.ts';
import { servicesRealm } from '../../../../tests/support/realms.ts';
import { createSigningKey, keySetBytes, mint, type SigningKey } from '../../../../tests/support/tokens.ts';

/** A directory with these files, private ones where the name says key. */
async function directoryOf(files: Readonly<Record<string, string>>) {
  const directory = await mkdtemp(path.join(tmpdir(), 'sidegate-idp-'));
  for (const [name, text] of Object.entries(files)) {
    await writeFile(path.join(directory, name), text, { mode: name.endsWith('.key') ? 0o600 : 0o644 });
  }
  const at = (name: string) => path.join(directory, name);
  return { at, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

const PLAIN = `addr: 127.0.0.1:0
base_url: http://127.0.0.1:8080
realms: [services.json]
`;
const [orderService, dataService] = servicesRealm().clients ?? [];
const realm = JSON.stringify({
  ...servicesRealm(),
  clients: [{ ...orderService, secret: '${ORDER_SECRET}' }, dataService],
});
const env = { ORDER_SECRET: 'canary-from-environment' };
const form = (secret: string) =>
  new URLSearchParams({ grant_type: 'client_credentials', client_id: 'order-service', client_secret: secret });

test('S3-136 a client secret comes from the environment; without it the start is refused', async () => {
  await using files = await directoryOf({ 'idp.yaml': PLAIN, 'services.json': realm });
  await using refused = await startIdpProcess(['--config', files.at('idp.yaml')]);
  assert.equal(await refused.end(), 78);
  assert.match(refused.stderr(), /services\.json:1:\d+: error: clients\[0\]\.secret: .*ORDER_SECRET/);

  await using idp = await startIdpProcess(['--config', files.at('idp.yaml')], env);
  const url = `${idp.url}/realms/services/protocol/openid-connect/token`;
  const right = await fetch(url, { method: 'POST', body: form(env.ORDER_SECRET) });
  const wrong = await fetch(url, { method: 'POST', body: form('canary-wrong') });
  assert.deepEqual([right.status, wrong.status], [200, 401]);
  const { access_token: token } = (await right.json()) as { access_token: string };
  await wrong.text();

  assert.equal(await idp.end(), 0);
  const lines = idp
    .stdout()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ event, decision, client }) => [event, decision, client]),
    [
      ['listening', undefined, undefined],
      ['token', 'issued', 'order-service'],
      ['token', 'refused', 'order-service'],
    ],
  );
  const output = idp.stdout() + idp.stderr();
  assert.doesNotMatch(output, /canary/);
  assert.equal(output.includes(token.slice(-40)), false);
});

test('a start is refused with all findings of all realm files, each at its place', async () => {
  const broken = {
    realm: 'services',
    clients: [{ clientId: 'x', serviceAccountsEnabled: true, defaultClientScopes: ['nope'] }],
    users: [{ username: 'a', realmRoles: ['none'] }],
  };
  await using files = await directoryOf({
    'idp.yaml': PLAIN.replace('[services.json]', '[services.json, users.json]'),
    'services.json': JSON.stringify(broken, null, 2),
    'users.json': JSON.stringify({ realm: 'services' }),
  });
  await using idp = await startIdpProcess(['--config', files.at('idp.yaml')]);
  assert.equal(await idp.end(), 78);
  const found = idp
    .stderr()
    .trimEnd()
    .split('\n')
    .map((line) => path.basename(line));
  assert.deepEqual(found, [
    'services.json:4:5: error: clients[0].secret: a client that authenticates with client-secret needs a secret',
    'services.json:8:9: error: clients[0].defaultClientScopes[0]: client scope "nope" is not defined under clientScopes',
    'services.json:16:9: error: users[0].realmRoles[0]: role "none" is not defined under roles',
    'users.json:1:10: error: realm: another file defines this realm too',
  ]);
});

test('the configuration, its key and its address are findings as well, with --json on standard output', async () => {
  const ca = createTestAuthority('keycloak-ca');
  const server = ca.issue({ dns: ['keycloak.example.com'], eku: ['serverAuth'] });
  await using files = await directoryOf({
    'idp.yaml': `${PLAIN.replace('http:', 'https:')}tls: { cert_file: server.crt, key_file: server.key }\n`,
    'services.json': realm,
    'server.crt': server.certPem,
    'server.key': server.keyPem,
  });
  const args = ['--config', files.at('idp.yaml'), '--json'];
  const findings = async (...more: string[]) => {
    await using idp = await startIdpProcess([...args, ...more], env);
    assert.equal(await idp.end(), 78);
    return idp.stdout();
  };
  await using first = await startIdpProcess(args, env);
  assert.match(await findings('--addr', `127.0.0.1:${first.port}`), /"event":"refused".*EADDRINUSE/);
  await chmod(files.at('server.key'), 0o644);
  assert.match(await findings(), /"file":"[^"]*server\.key".*others can read/);
});

test('a client proves itself by JWT-SVID, also by a key that came into the bundle file later, and is asked for a nonce', async () => {
  const id = 'spiffe://example.org/zone2/order-service';
  const attributes = { 'sidegate.spiffe_id': id };
  const workload = { ...orderService, secret: undefined, clientAuthenticatorType: 'client-jwt', attributes };
  const bundle = (key: SigningKey) => keySetBytes(key.jwk({ use: 'jwt-svid', alg: undefined })).toString();
  const [first, second] = [createSigningKey('ES256', 'first'), createSigningKey('ES256', 'second')];
  await using files = await directoryOf({
    'idp.yaml': `${PLAIN}trust_domains: [{ trust_domain: example.org, bundle_file: bundle.json }]
dpop: { require_nonce: true }
`,
    'services.json': JSON.stringify({ ...servicesRealm(), clients: [workload, dataService] }),
    'bundle.json': bundle(first),
  });
  await using idp = await startIdpProcess(['--config', files.at('idp.yaml')]);
  const ask = async (key: SigningKey, headers: Record<string, string> = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const audience = ['http://127.0.0.1:8080/realms/services'];
    const svid = mint({ sub: id, aud: audience, exp: now + 60, iat: now }, { key, header: { typ: 'JWT' } });
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
      client_assertion: svid,
    });
    const response = await fetch(`${idp.url}/realms/services/protocol/openid-connect/token`, {
      method: 'POST',
      headers,
      body,
    });
    await response.text();
    return [response.status, response.headers.has('dpop-nonce')];
  };
  assert.deepEqual(await ask(first), [200, false]);
  await writeFile(files.at('bundle.json'), bundle(second));
  assert.deepEqual(await ask(second), [200, false]);
  assert.deepEqual(await ask(first), [401, false], 'it is in the bundle no more');
  assert.deepEqual(await ask(createSigningKey('ES256', 'second')), [401, false]);
  const url = 'http://127.0.0.1:8080/realms/services/protocol/openid-connect/token';
  const dpop = createDpopKey().prove({ method: 'POST', url }, Date.now());
  assert.deepEqual(await ask(second, { dpop }), [400, true]);
});

test('keys of a client are fetched from the URL of the realm file, anew for an unknown one, and from nowhere that a JWT names', async () => {
  const [first, second, stranger] = ['first', 'second', 'third'].map((kid) => createSigningKey('ES256', kid)) as [
    SigningKey,
    SigningKey,
    SigningKey,
  ];
  await using elsewhere = await startJwksServer(bytes(keySetBytes(stranger.jwk())));
  await using keys = await startJwksServer(bytes(keySetBytes(first.jwk())));
  const attributes = { 'use.jwks.url': 'true', 'jwks.url': `${keys.origin}/keys` };
  const signer = { ...orderService, secret: undefined, clientAuthenticatorType: 'client-jwt', attributes };
  await using files = await directoryOf({
    'idp.yaml': PLAIN,
    'services.json': JSON.stringify({ ...servicesRealm(), clients: [signer, dataService] }),
  });
  await using idp = await startIdpProcess(['--config', files.at('idp.yaml')]);
  const ask = async (key: SigningKey, header: Record<string, unknown> = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const aud = 'http://127.0.0.1:8080/realms/services';
    const claims = { iss: 'order-service', sub: 'order-service', aud, jti: randomUUID(), exp: now + 60, iat: now };
    const assertion = mint(claims, { key, header: { typ: 'JWT', ...header } });
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: type,
      client_assertion: assertion,
    });
    const response = await fetch(`${idp.url}/realms/services/protocol/openid-connect/token`, { method: 'POST', body });
    await response.text();
    return response.status;
  };
  assert.equal(await ask(first), 200);
  keys.answer = bytes(keySetBytes(first.jwk(), second.jwk()));
  assert.equal(await ask(second), 200);
  assert.deepEqual(keys.requests, ['/keys', '/keys']);
  const url = `${elsewhere.origin}/keys`;
  for (const header of [{}, { jku: url }, { x5u: url }, { jwk: stranger.jwk() }, { kid: url }]) {
    for (let again = 0; again < 3; again += 1) assert.equal(await ask(stranger, header), 401);
  }
  assert.deepEqual(elsewhere.requests, []);
  assert.equal(keys.requests.length, 3, 'strangers cause one request within the cooldown');
});

test('over TLS it serves the certificate of its configuration, and --root shifts absolute paths', async () => {
  const ca = createTestAuthority('keycloak-ca');
  const server = ca.issue({ dns: ['keycloak.example.com'], eku: ['serverAuth'] });
  await using files = await directoryOf({
    'idp.yaml': `addr: 127.0.0.1:0
base_url: https://keycloak.example.com
tls: { cert_file: /server.crt, key_file: /server.key, client_ca_file: /ca.crt }
realms: [/services.json]
signing: { algorithms: [ES256], key_dir: /keys }
`,
    'services.json': realm,
    'server.crt': server.certPem,
    'server.key': server.keyPem,
    'ca.crt': ca.certPem,
  });
  const kids = [];
  for (const _start of [1, 2]) {
    await using idp = await startIdpProcess(['--config', files.at('idp.yaml'), '--root', files.at('.')], env);
    assert.ok(idp.url?.startsWith('https://'), idp.stderr());
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const options = {
      port: idp.port,
      host: '127.0.0.1',
      servername: 'keycloak.example.com',
      ca: ca.certPem,
      agent: false,
    };
    https
      .get({ ...options, path: '/realms/services/protocol/openid-connect/certs' }, (response) => {
        response.setEncoding('utf8').on('data', resolve);
      })
      .on('error', reject);
    kids.push((await promise).match(/"kid":"[^"]+"/g));
  }
  assert.equal(kids[0]?.length, 1);
  assert.deepEqual(kids[1], kids[0], 'a restart keeps the keys');
});

test('a wrong command line exits 64', async () => {
  for (const args of [[], ['--config', 'x', '--addr', 'keycloak.example.com:443'], ['--nonsense']]) {
    await using idp = await startIdpProcess(args);
    assert.equal(await idp.end(), 64, args.join(' '));
  }
});

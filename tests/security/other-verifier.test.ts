/**
 * Corpus A, 61, in the real process: a token that was accepted, and remembered, is judged anew by every configuration that would not
 * have accepted it.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type HttpApp, startHttpApp } from '../support/http-app.ts';
import { bytes, type JwksServer, startJwksServer } from '../support/jwks-server.ts';
import { type SidecarProcess, startSidecarProcess } from '../support/sidecar-process.ts';
import { createSigningKey, keySetBytes, mint } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';

const USERS = 'https://keycloak.example.com/realms/users';
const SERVICES = 'https://keycloak.example.com/realms/services';
const key = createSigningKey('ES256', 'shared');
const sameName = createSigningKey('ES256', 'shared');

let app: HttpApp;
let jwks: JwksServer;
let sidecar: SidecarProcess;
const folder = mkdtempSync(path.join(tmpdir(), 'sidegate-verifier-'));
const file = path.join(folder, 'config.yaml');

const accepting = (): string => `issuer: "${USERS}", audience: [order-service], jwks_url: "${jwks.origin}/certs"`;
const write = (jwt: string): void =>
  writeFileSync(
    file,
    `http: { addr: "127.0.0.1:0" }
jwt: { ${jwt} }
proxy: { enabled: true, authz: { enabled: false }, upstream: { url: "http://127.0.0.1:${app.port}" } }
service: { name: order-service }
policy: { hot_reload: false }
`,
  );

before(async () => {
  app = await startHttpApp();
  jwks = await startJwksServer((request, response) => {
    const set = request.url === '/other' ? sameName : key;
    bytes(keySetBytes(set.jwk()))(request, response);
  });
  write(accepting());
  sidecar = await startSidecarProcess(['--config', file]);
  await until(() => eventsOf('ready').length === 1, 10_000);
});
after(async () => {
  await sidecar[Symbol.asyncDispose]();
  await jwks[Symbol.asyncDispose]();
  await app[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function eventsOf(name: string): readonly Readonly<Record<string, unknown>>[] {
  const lines = sidecar.stdout().split('\n').slice(0, -1);
  return lines.filter((line) => line.includes(`"event":"${name}"`)).map((line) => JSON.parse(line));
}

async function reload(jwt: string): Promise<void> {
  const before = eventsOf('reloaded').length;
  write(jwt);
  sidecar.signal('SIGHUP');
  await until(() => eventsOf('reloaded').length > before, 10_000);
  assert.equal(eventsOf('reloaded').length, before + 1, sidecar.stderr());
}

const iat = Math.floor(Date.now() / 1000);
const TOKEN = mint(
  { iss: USERS, aud: ['order-service', 'payment-service'], sub: 'user-123', azp: 'web-app', iat, exp: iat + 3000 },
  { key },
);
const ask = () => {
  const port = Number(sidecar.listening?.ingress?.split(':').at(-1));
  return sendRequest({ port }, { headers: ['Authorization', `Bearer ${TOKEN}`] });
};

const ROWS: readonly (readonly [title: string, code: string, jwt: () => string])[] = [
  ['another issuer with the same keys', 'token_issuer_mismatch', () => accepting().replace(USERS, SERVICES)],
  ['another audience', 'token_aud_mismatch', () => accepting().replace('order-service', 'stock-service')],
  ['a single audience', 'token_aud_multiple', () => `${accepting()}, validation: { single_audience: true }`],
  ['a shorter lifetime', 'token_lifetime_exceeded', () => `${accepting()}, validation: { max_lifetime: 5m }`],
  ['keys of the same name elsewhere', 'token_signature_invalid', () => accepting().replace('/certs', '/other')],
  [
    'other algorithms',
    'token_alg_not_allowed',
    () => `issuers: [{ name: users, ${accepting()}, algorithms: [RS256] }]`,
  ],
];

for (const [title, code, jwt] of ROWS) {
  test(`C-061 a token that was accepted is ${code} once the configuration asks for ${title}`, async () => {
    await reload(accepting());
    for (let time = 0; time < 2; time += 1) assert.equal((await ask()).status, 200, 'accepted, then remembered');
    await reload(jwt());
    const [records, received] = [eventsOf('request').length, app.received];
    const answer = await ask();
    assert.deepEqual([answer.status, (JSON.parse(answer.body) as { code: string }).code], [401, code]);
    assert.equal(answer.headers['www-authenticate'], 'Bearer error="invalid_token"');
    await until(() => eventsOf('request').length > records);
    const added = eventsOf('request').slice(records);
    assert.deepEqual(
      added.map((record) => [record['decision'], record['code']]),
      [['deny', code]],
    );
    assert.equal(app.received, received, 'not one byte may reach the app');
    assert.ok(!`${sidecar.stdout()}${sidecar.stderr()}${answer.raw}`.includes(TOKEN.slice(-60)));
  });
}

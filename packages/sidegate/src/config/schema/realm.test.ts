import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderDiagnostic } from '../diagnostic.ts';
import type { Environment } from '../interpolate.ts';
import { loadRealm } from '../load.ts';

function load(realm: object, env: Environment = {}) {
  const loaded = loadRealm(JSON.stringify(realm, null, 2), { file: 'r.json', env, readFile: String });
  return { loaded, findings: (loaded.ok ? loaded.warnings : loaded.diagnostics).map(renderDiagnostic) };
}

for (const [title, realm, expected] of [
  ['without a name', {}, ['r.json:1:1: error: realm: is required']],
  ['whose name is a path', { realm: '../x' }, ['r.json:2:12: error: realm: is not a realm name']],
  [
    'with a client that proves itself in another way',
    { realm: 'r', clients: [{ clientId: 'a', clientAuthenticatorType: 'client-secret-jwt' }] },
    ['r.json:6:34: error: clients[0].clientAuthenticatorType: must be client-secret or client-x509 or client-jwt'],
  ],
  [
    'with a secret whose variable is not set',
    { realm: 'r', clients: [{ clientId: 'a', secret: '${A_SECRET}' }] },
    ['r.json:6:17: error: clients[0].secret: needs the environment variable A_SECRET, which is not set (set A_SECRET)'],
  ],
  [
    'with a lifespan that is no number',
    { realm: 'r', accessTokenLifespan: '300' },
    ['r.json:3:26: error: accessTokenLifespan: must be a number'],
  ],
] as const) {
  test(`a realm ${title} is refused`, () => {
    const { loaded, findings } = load(realm);
    assert.equal(loaded.ok, false);
    assert.deepEqual(findings, expected);
  });
}

test('S3-136 secrets and passwords of a realm come from the environment', () => {
  const realm = {
    realm: 'r',
    clients: [{ clientId: 'a', secret: '${A}' }],
    users: [{ username: 'u', credentials: [{ type: 'password', value: '${B}' }] }],
  };
  const { loaded, findings } = load(realm, { A: 'canary-a', B: 'canary-b' });
  assert.ok(loaded.ok);
  assert.deepEqual(findings, []);
  assert.equal(loaded.config.clients[0]?.secret?.reveal(), 'canary-a');
  assert.equal(loaded.config.users[0]?.credentials[0]?.value?.reveal(), 'canary-b');
  assert.ok(!JSON.stringify(loaded.config).includes('canary'));
});

test('unknown keys and message keys of Keycloak are left as they are', () => {
  const { loaded, findings } = load({
    realm: 'r',
    sslRequired: 'external',
    clients: [{ clientId: 'account', name: '${client_account}', redirectUris: ['/*'] }],
  });
  assert.ok(loaded.ok);
  assert.deepEqual(findings, []);
  assert.equal(loaded.config.clients[0]?.['name'], '${client_account}');
});

test('each kind of protocol mapper that is ignored is one warning', () => {
  const mapper = (protocolMapper: string) => ({ name: 'm', protocolMapper });
  const { loaded, findings } = load({
    realm: 'r',
    clients: [{ clientId: 'a', protocolMappers: [mapper('oidc-audience-mapper'), mapper('oidc-x-mapper')] }],
    clientScopes: [{ name: 's', protocolMappers: [mapper('oidc-x-mapper')] }],
  });
  assert.ok(loaded.ok);
  assert.deepEqual(findings, [
    'r.json:13:29: warning: clients[0].protocolMappers[1].protocolMapper: mappers of this kind are ignored (only oidc-audience-mapper is read)',
  ]);
});

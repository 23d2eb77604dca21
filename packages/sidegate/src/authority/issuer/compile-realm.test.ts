import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPushedJwks } from '@sidegate/sdk';
import { audienceMapper, servicesRealm, usersRealm } from '../../../../../tests/support/realms.ts';
import { compileRealm } from './compile-realm.ts';
import type { RealmFinding } from './finding.ts';
import type { KeycloakClient, KeycloakRealm } from './keycloak-realm.ts';
import { secretDigest } from './secret-digest.ts';

const OPTIONS = {
  publicUrl: 'https://keycloak.example.com',
  digest: secretDigest(Buffer.alloc(32)),
  algorithms: ['RS256'],
  tokenLifetimeSeconds: 300,
  clientCertificates: true,
  zones: new Set(['zone2']),
  storedSecrets: false,
  fetchKeys: (url: string) => {
    if (url.startsWith('https:')) return createPushedJwks();
    throw new TypeError('not https');
  },
  realmKeys: (realm: string) => (['services', 'users', 'r'].includes(realm) ? createPushedJwks() : undefined),
  trustBundle: (trustDomain: string) => (trustDomain === 'example.org' ? createPushedJwks() : undefined),
} as const;

const placeOf = ({ path }: RealmFinding) => path.join('.');
const machine = (more: Partial<KeycloakClient>): KeycloakRealm =>
  servicesRealm({ clientId: 'x', serviceAccountsEnabled: true, secret: 's', ...more });
const certificate = (attributes: Record<string, string>) =>
  machine({ clientAuthenticatorType: 'client-x509', attributes });

const assertion = (attributes: Record<string, string>) =>
  machine({ clientAuthenticatorType: 'client-jwt', attributes });
const AT_URL = { 'use.jwks.url': 'true', 'jwks.url': 'https://keys.example.com/order-service' };

const EXCHANGE = { attributes: { 'standard.token.exchange.enabled': 'true' } };
const trusting = (config: Record<string, string>): KeycloakRealm => ({
  realm: 'r',
  identityProviders: [{ alias: 'a', config: { 'sidegate.token_exchange': 'true', ...config } }],
});
const federated = (username: string) => ({
  username,
  federatedIdentities: [{ identityProvider: 'a', userId: 'same' }],
});

const REFUSED: readonly (readonly [title: string, realm: KeycloakRealm, path: string])[] = [
  ['a realm name with a slash', { realm: 'a/b' }, 'realm'],
  ['a realm name of dots', { realm: '..' }, 'realm'],
  ['a client without its secret', machine({ secret: undefined }), 'clients.2.secret'],
  ['a client with an empty secret', machine({ secret: '' }), 'clients.2.secret'],
  ['a client that is defined twice', machine({ clientId: 'order-service' }), 'clients.2.clientId'],
  [
    'an unknown way to authenticate',
    machine({ clientAuthenticatorType: 'client-secret-jwt' }),
    'clients.2.clientAuthenticatorType',
  ],
  ['client-jwt without keys', assertion({}), 'clients.2.attributes.jwks.string'],
  ['client-jwt with a key set that is none', assertion({ 'jwks.string': '{}' }), 'clients.2.attributes.jwks.string'],
  [
    'client-jwt with keys at a URL that is not https',
    assertion({ 'use.jwks.url': 'true', 'jwks.url': 'http://keys.example.com' }),
    'clients.2.attributes.jwks.url',
  ],
  [
    'client-jwt with assertions by HMAC',
    assertion({ ...AT_URL, 'token.endpoint.auth.signing.alg': 'HS256' }),
    'clients.2.attributes.token.endpoint.auth.signing.alg',
  ],
  [
    'a SPIFFE ID of a trust domain without bundle',
    assertion({ 'sidegate.spiffe_id': 'spiffe://example.net/a' }),
    'clients.2.attributes.sidegate.spiffe_id',
  ],
  [
    'a SPIFFE ID with a query',
    certificate({ 'sidegate.spiffe_id': 'spiffe://example.org/a?b' }),
    'clients.2.attributes.sidegate.spiffe_id',
  ],
  [
    'the SPIFFE ID of a whole trust domain',
    certificate({ 'sidegate.spiffe_id': 'spiffe://example.org' }),
    'clients.2.attributes.sidegate.spiffe_id',
  ],
  [
    'a self-signed certificate without keys',
    certificate({ 'sidegate.self_signed': 'true' }),
    'clients.2.attributes.jwks.string',
  ],
  ['a public service account', machine({ publicClient: true }), 'clients.2.serviceAccountsEnabled'],
  ['an undefined default scope', machine({ defaultClientScopes: ['x'] }), 'clients.2.defaultClientScopes.0'],
  ['an undefined optional scope', machine({ optionalClientScopes: ['x'] }), 'clients.2.optionalClientScopes.0'],
  [
    'an algorithm without a key',
    machine({ attributes: { 'access.token.signed.response.alg': 'ES256' } }),
    'clients.2.attributes.access.token.signed.response.alg',
  ],
  ['client-x509 without subject', certificate({}), 'clients.2.attributes.x509.subjectdn'],
  ['client-x509 with a broken subject', certificate({ 'x509.subjectdn': 'CN' }), 'clients.2.attributes.x509.subjectdn'],
  [
    'client-x509 with a pattern',
    certificate({ 'x509.subjectdn': 'CN=x', 'x509.allow.regex.pattern.comparison': 'true' }),
    'clients.2.attributes.x509.allow.regex.pattern.comparison',
  ],
  [
    'an audience mapper for an unknown client',
    machine({
      protocolMappers: [
        { name: 'a', protocolMapper: 'oidc-audience-mapper', config: { 'included.client.audience': 'nobody' } },
      ],
    }),
    'clients.2.protocolMappers.0.config.included.client.audience',
  ],
  [
    'an audience mapper without audience',
    {
      realm: 'r',
      clientScopes: [{ name: 's', protocolMappers: [{ name: 'a', protocolMapper: 'oidc-audience-mapper' }] }],
    },
    'clientScopes.0.protocolMappers.0.config',
  ],
  ['S4-113 the scope *', { realm: 'r', clientScopes: [{ name: '*' }] }, 'clientScopes.0.name'],
  ['S4-113 a scope with a wildcard', { realm: 'r', clientScopes: [{ name: 'orders:*' }] }, 'clientScopes.0.name'],
  ['S4-111 tokens of 16 minutes', { realm: 'r', accessTokenLifespan: 960 }, 'accessTokenLifespan'],
  [
    'S4-111 a client whose tokens live 16 minutes',
    machine({ attributes: { 'access.token.lifespan': '960' } }),
    'clients.2.attributes.access.token.lifespan',
  ],
  [
    'a lifespan that is no number',
    machine({ attributes: { 'access.token.lifespan': '5m' } }),
    'clients.2.attributes.access.token.lifespan',
  ],
  [
    'a public client that exchanges tokens',
    machine({ ...EXCHANGE, publicClient: true, serviceAccountsEnabled: false }),
    'clients.2.publicClient',
  ],
  [
    'S4-075 a target that is no service and no operation',
    machine({ attributes: { 'sidegate.targets': 'order-service##order-service:/orders' } }),
    'clients.2.attributes.sidegate.targets',
  ],
  [
    'transaction tokens for a client of a realm that has none',
    machine({ attributes: { 'sidegate.transaction_tokens': 'true' } }),
    'clients.2.attributes.sidegate.transaction_tokens',
  ],
  [
    'transaction tokens of an unknown revision',
    { realm: 'r', attributes: { 'sidegate.transaction_tokens': 'true', 'sidegate.trust_domain': 'example.org' } },
    'attributes.sidegate.transaction_tokens',
  ],
  [
    'transaction tokens without trust domain',
    { realm: 'r', attributes: { 'sidegate.transaction_tokens': 'draft-ietf-oauth-transaction-tokens-10' } },
    'attributes.sidegate.trust_domain',
  ],
  ['an identity provider without issuer', trusting({}), 'identityProviders.0.config'],
  [
    'an identity provider whose keys are not on https',
    trusting({ issuer: 'https://idp.example.com', jwksUrl: 'http://idp.example.com/keys' }),
    'identityProviders.0.config.jwksUrl',
  ],
  ['an unknown realm beside it', trusting({ 'sidegate.realm': 'x' }), 'identityProviders.0.config.sidegate.realm'],
  ['itself as an identity provider', trusting({ 'sidegate.realm': 'r' }), 'identityProviders.0.config'],
  [
    'a user whom an unknown identity provider names',
    { realm: 'r', users: [{ username: 'a', federatedIdentities: [{ identityProvider: 'x', userId: '1' }] }] },
    'users.0.federatedIdentities.0.identityProvider',
  ],
  [
    'two users with one name elsewhere',
    { ...trusting({ 'sidegate.realm': 'users' }), users: ['a', 'b'].map(federated) },
    'users.1.federatedIdentities.0.userId',
  ],
  ['a scope with a space', { realm: 'r', clientScopes: [{ name: 'a b' }] }, 'clientScopes.0.name'],
  [
    'a scope that is defined twice',
    { realm: 'r', clientScopes: [{ name: 'a' }, { name: 'a' }] },
    'clientScopes.1.name',
  ],
  [
    'a user that is defined twice',
    { realm: 'r', users: [{ username: 'a', id: '1' }, { username: 'a' }] },
    'users.1.username',
  ],
  ['two users with one id', { realm: 'r', users: [{ username: 'a' }, { username: 'b', id: 'a' }] }, 'users.1.id'],
  ['an undefined realm role', { realm: 'r', users: [{ username: 'a', realmRoles: ['x'] }] }, 'users.0.realmRoles.0'],
  [
    'an undefined client role',
    { realm: 'r', users: [{ username: 'a', clientRoles: { c: ['x'] } }] },
    'users.0.clientRoles.c.0',
  ],
  [
    'roles at a client whose name every object has',
    { realm: 'r', roles: { client: {} }, users: [{ username: 'a', clientRoles: { constructor: ['x'] } }] },
    'users.0.clientRoles.constructor.0',
  ],
  [
    'a user whose id is that of a client, where clients are their own subjects',
    {
      ...machine({}),
      attributes: { 'sidegate.json_token_endpoint': 'true' },
      users: [{ id: 'x', username: 'mallory', credentials: [] }],
    },
    'attributes.sidegate.json_token_endpoint',
  ],
  [
    'a service account of nobody',
    { realm: 'r', users: [{ username: 'a', serviceAccountClientId: 'c' }] },
    'users.0.serviceAccountClientId',
  ],
];

for (const [title, realm, path] of REFUSED) {
  test(`a realm with ${title} is refused at ${path}`, () => {
    const errors = compileRealm(realm, OPTIONS).findings.filter(({ severity }) => severity === 'error');
    assert.deepEqual(errors.map(placeOf), [path]);
  });
}

test('client-x509 without client_ca_file is refused', () => {
  const { findings } = compileRealm(certificate({ 'x509.subjectdn': 'CN=x' }), {
    ...OPTIONS,
    clientCertificates: false,
  });
  assert.match(findings.map(({ message }) => message).join(), /client_ca_file/);
});

test('all findings of a realm are reported at once', () => {
  const { findings } = compileRealm(machine({ secret: '', defaultClientScopes: ['a', 'b'] }), OPTIONS);
  assert.equal(findings.length, 3);
});

test('two clients with one SPIFFE ID are refused', () => {
  const spiffe = {
    clientAuthenticatorType: 'client-x509',
    attributes: { 'sidegate.spiffe_id': 'spiffe://example.org/a' },
  };
  const twins = ['x', 'y'].map((clientId) => ({ clientId, serviceAccountsEnabled: true, ...spiffe }));
  assert.deepEqual(compileRealm(servicesRealm(...twins), OPTIONS).findings.map(placeOf), ['clients']);
});

test('a client has no secret in its realm file where secrets are stored elsewhere, and an empty one nowhere', () => {
  const stored = { ...OPTIONS, storedSecrets: true };
  assert.deepEqual(compileRealm(machine({ secret: undefined }), stored).findings, []);
  assert.deepEqual(compileRealm(machine({ secret: '' }), stored).findings.map(placeOf), ['clients.2.secret']);
});

test('an identity provider that nobody asked to trust is left alone, whatever it is', () => {
  const login = { alias: 'github', config: { clientId: 'x', jwksUrl: 'http://github.example.com' } };
  assert.deepEqual(compileRealm({ realm: 'r', identityProviders: [login] }, OPTIONS).findings, []);
});

test('S4-111 who wants long-lived tokens says so, and is warned', () => {
  const attributes = { 'sidegate.long_lived_tokens': 'true' };
  const realm = compileRealm({ realm: 'r', accessTokenLifespan: 960, attributes }, OPTIONS).findings;
  const client = compileRealm(
    machine({ attributes: { ...attributes, 'access.token.lifespan': '960' } }),
    OPTIONS,
  ).findings;
  assert.deepEqual(
    [...realm, ...client].map((finding) => [finding.severity, placeOf(finding)]),
    [
      ['warning', 'accessTokenLifespan'],
      ['warning', 'clients.2.attributes.access.token.lifespan'],
    ],
  );
  assert.deepEqual(compileRealm({ realm: 'r', accessTokenLifespan: 900 }, OPTIONS).findings, []);
});

test('SD-14 a lab realm gets a warning', () => {
  const lab = compileRealm(usersRealm(), OPTIONS);
  assert.equal(lab.realm.lab, true);
  assert.deepEqual(
    lab.findings.map((finding) => [finding.severity, placeOf(finding)]),
    [['warning', 'attributes.sidegate.lab']],
  );
});

test('a realm is a lab only when it says exactly so', () => {
  for (const value of ['TRUE', '1', 'yes', '']) {
    const realm = { ...usersRealm(), attributes: { 'sidegate.lab': value } };
    assert.equal(compileRealm(realm, OPTIONS).realm.lab, false, value);
  }
});

test('a disabled service account gives its client no token, one that is not listed has no roles', () => {
  const account = { username: 'service-account-x', serviceAccountClientId: 'x', enabled: false };
  const disabled = compileRealm({ ...machine({}), users: [account] }, OPTIONS).realm.clients.get('x');
  assert.deepEqual([disabled?.id, disabled?.serviceAccount], ['x', undefined]);
  const unlisted = compileRealm({ ...machine({}), users: [] }, OPTIONS).realm.clients.get('x')?.serviceAccount;
  assert.deepEqual([unlisted?.id, unlisted?.realmRoles, unlisted?.clientRoles], ['service-account-x', [], {}]);
});

test('what is disabled or kept out of access tokens does not reach them', () => {
  const silenced = { ...audienceMapper('secret-audience'), config: { 'access.token.claim': 'false' } };
  const source = machine({ protocolMappers: [silenced], fullScopeAllowed: false });
  const users = [{ username: 'gone', enabled: false, credentials: [{ type: 'password', value: 'p' }] }];
  const { realm, findings } = compileRealm({ ...source, users, accessTokenLifespan: 60 }, OPTIONS);
  assert.deepEqual(findings, []);
  const client = realm.clients.get('x');
  assert.deepEqual([client?.audiences, client?.fullScope, realm.users.size], [[], false, 0]);
  assert.equal(client?.tokenLifetimeSeconds, 60);
});

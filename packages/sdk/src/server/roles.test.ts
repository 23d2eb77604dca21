import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSigningKey, keySetBytes, mint } from '../../../../tests/support/tokens.ts';
import { createPushedJwks } from '../jwt/pushed-jwks.ts';
import type { JsonObject } from '../jwt/strict-json.ts';
import { bearer } from './bearer.ts';
import { type RolesMapper, rolesByScope } from './roles.ts';

const realm = (roles: unknown): JsonObject => ({ realm_access: { roles } }) as unknown as JsonObject;

for (const [title, claims, scopes, expected] of [
  ['S0-53 nothing', {}, [], []],
  ['S0-53 no roles', { realm_access: {} }, [], []],
  ['roles that are text', realm('admin'), [], []],
  ['roles in something else', { realm_access: 'admin' }, [], []],
  ['names that are no text', realm([{ name: 'admin' }, 1, 'customer']), [], ['customer']],
  ['S0-52 a longer scope', {}, ['payment:charge-all'], []],
  ['S0-52 another case', {}, ['Payment:Charge'], []],
  ['S0-53 roles beside a scope that is not mapped', realm(['customer']), ['payment:read'], ['customer']],
  [
    'S0-51 a scope of services, whatever the roles',
    realm(['customer']),
    ['payment:read', 'payment:charge'],
    ['system'],
  ],
] as const) {
  test(`${title}: ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(rolesByScope(['payment:charge'])(claims, scopes), expected);
  });
}

test('S0-04 roles come from the verified claims by the mapper that is configured, and from no header', async () => {
  const key = createSigningKey('ES256', 'k1');
  const roles: RolesMapper = ({ groups }) =>
    Array.isArray(groups) ? groups.map((group) => `group:${String(group)}`) : [];
  const issuers = [{ issuer: 'https://idp.example.com', keys: createPushedJwks(keySetBytes(key.jwk())) }];
  const tokens = bearer({ issuers, audience: 'orders', roles });
  const now = Math.floor(Date.now() / 1000);
  const standard = { iss: 'https://idp.example.com', sub: 'mary', aud: 'orders', iat: now, exp: now + 60 };
  const token = mint({ ...standard, groups: ['sales'], realm_access: { roles: ['admin'] } }, { key });
  const principal = await tokens.authenticate({
    method: 'GET',
    target: '/',
    values: (name) => (name === 'authorization' ? [`Bearer ${token}`] : ['admin', 'system']),
    clientCertificate: undefined,
    remoteAddress: '127.0.0.1',
    body: () => Promise.resolve(new Uint8Array()),
  });
  assert.deepEqual(principal.roles, ['group:sales']);
});

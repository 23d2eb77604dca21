/** A machine is no person: its identity has a type, tokens, keys and guards of its own, and none of them does for the other. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { createSigningKey, keySetBytes, mint } from '../../../../tests/support/tokens.ts';
import { createPushedJwks } from '../jwt/pushed-jwks.ts';
import { serviceTokenAuthenticator } from '../service-tokens/authenticator.ts';
import { createServiceTokenIssuer } from '../service-tokens/issue.ts';
import { createServiceKeys } from '../service-tokens/service-keys.ts';
import { createServiceTokenValidator } from '../service-tokens/validate.ts';
import { bearer } from './bearer.ts';
import type { Principal, ServicePrincipal, UserPrincipal } from './principal.ts';
import { serviceAuth } from './service-auth.ts';

const time = manualTime();
const now = time.clock.now() / 1000;
const runtime = { ...time, random: () => 0, http: () => Promise.reject(new Error('no network')) };
const USERS = 'https://idp.example.com/realms/users';

const userKey = createSigningKey('ES256', 'users-1');
const serviceKey = createSigningKey('ES256', 'checkout-1');
const keys = createServiceKeys(
  {
    service: 'checkout-service',
    keys: [{ key: serviceKey.privateKey, algorithm: 'ES256', keyId: serviceKey.kid, signsFrom: 0 }],
  },
  time,
);

const services = serviceAuth({
  service: 'order-service',
  authenticator: serviceTokenAuthenticator({
    validator: createServiceTokenValidator(
      { issuers: { 'checkout-service': createPushedJwks(keySetBytes(serviceKey.jwk())) } },
      time,
    ),
    expectedAudience: 'order-service',
    allowedIssuers: ['checkout-service'],
  }),
  runtime,
});
const users = serviceAuth({
  service: 'order-service',
  authenticator: bearer({
    issuers: [{ issuer: USERS, keys: createPushedJwks(keySetBytes(userKey.jwk())) }],
    audience: 'order-service',
    runtime,
  }),
  runtime,
});

const serviceToken = createServiceTokenIssuer({ keys }, time).issueServiceToken({
  callerService: 'checkout-service',
  targetService: 'order-service',
  scopes: ['orders:create'],
});
const userClaims = {
  iss: USERS,
  sub: 'mary',
  aud: 'order-service',
  azp: 'web-app',
  iat: now,
  exp: now + 300,
  realm_access: { roles: ['customer'] },
};
const userToken = mint(userClaims, { key: userKey });

async function ask(at: typeof services, rule: object, token: string): Promise<Principal | number> {
  const request = {
    method: 'POST',
    target: '/orders',
    values: (name: string) => (name === 'authorization' ? [`Bearer ${token}`] : []),
    clientCertificate: undefined,
    remoteAddress: '127.0.0.1',
    body: () => Promise.resolve(new Uint8Array()),
  };
  const admission = await at.guard(rule).admit(request, { name: 'POST /orders', params: {} });
  if (!admission.ok) return admission.answer.status;
  assert.ok(admission.principal !== undefined);
  return admission.principal;
}
const FOR_SERVICES = { service: true, scopes: ['orders:create'] };
const FOR_USERS = { roles: ['customer'] };

describe('S4-001 what is for one does not do for the other', () => {
  const ROWS: readonly (readonly [title: string, at: typeof services, rule: object, token: string, status: number])[] =
    [
      ['the token of a user, where services are verified', services, FOR_SERVICES, userToken, 401],
      ['the token of a service, where users are verified', users, FOR_USERS, serviceToken, 401],
      [
        'the name of a service, signed with the key for users',
        services,
        FOR_SERVICES,
        mint(
          { ...userClaims, iss: 'checkout-service', sub: 'checkout-service', scope: 'orders:create' },
          { key: userKey },
        ),
        401,
      ],
      [
        'the issuer of users, signed with the key of a service',
        users,
        FOR_USERS,
        mint(userClaims, { key: serviceKey }),
        401,
      ],
      [
        'a user with every claim of a service, at the guard for services',
        users,
        FOR_SERVICES,
        mint({ ...userClaims, scope: 'orders:create', service: 'checkout-service', type: 'service' }, { key: userKey }),
        403,
      ],
      ['a service at the guard for people', services, FOR_USERS, serviceToken, 403],
    ];
  for (const [title, at, rule, token, status] of ROWS) {
    test(title, async () => assert.equal(await ask(at, rule, token), status));
  }
});

test('S4-001 a service and a user arrive as different types', async () => {
  const service = await ask(services, FOR_SERVICES, serviceToken);
  const user = await ask(users, FOR_USERS, userToken);
  assert.ok(typeof service === 'object' && typeof user === 'object');
  assert.deepEqual(
    [service.service?.name, service.user, service.proofs],
    ['checkout-service', undefined, ['service_jwt']],
  );
  assert.deepEqual([user.service, user.user?.id, user.proofs], [undefined, 'mary', ['bearer']]);
  const machine: ServicePrincipal = { name: 'checkout-service', spiffeId: undefined };
  // @ts-expect-error a service is no user
  const person: UserPrincipal = machine;
  assert.equal('id' in person, false);
});

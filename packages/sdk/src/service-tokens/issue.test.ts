import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { createServiceTokenIssuer, type ServiceTokenRequest } from './issue.ts';
import { readSigningKey } from './read-key.ts';
import { createServiceKeys } from './service-keys.ts';

const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;
const PAIRS = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
};
const time = manualTime();
const NOW = time.clock.now() / 1000;

function keysOf(service: string, algorithm: keyof typeof PAIRS = 'RS256', longestTokenSeconds?: number) {
  const key = readSigningKey(PAIRS[algorithm].privateKey.export(pkcs8), 'key-2026-04');
  const longest = longestTokenSeconds === undefined ? {} : { longestTokenSeconds };
  return createServiceKeys({ service, keys: [{ ...key, signsFrom: 0 }], ...longest }, time);
}

const request: ServiceTokenRequest = {
  callerService: 'checkout-service',
  targetService: 'order-service',
  scopes: ['orders:create', 'orders:read'],
};
const issuer = createServiceTokenIssuer({ keys: keysOf('checkout-service') }, time);

describe('nothing is issued', () => {
  for (const [title, changes, reason] of [
    ['S4-049 as another service than the one whose keys sign', { callerService: 'order-service' }, /only as itself/],
    ['S4-113 with the scope *', { scopes: ['*'] }, /would grant everything/],
    ['with the scope * among others', { scopes: ['orders:read', '*'] }, /would grant everything/],
    ['with two scopes in one', { scopes: ['orders:read orders:delete'] }, /is not a scope/],
    ['with an empty scope', { scopes: [''] }, /is not a scope/],
    ['for nobody', { targetService: '' }, /targetService/],
    ['for a target with a line break', { targetService: 'order-service\nx' }, /targetService/],
    ['for a user without an id', { userContext: { userId: '', roles: [] } }, /userId/],
  ] as const) {
    test(title, () => {
      assert.throws(() => issuer.issueServiceToken({ ...request, ...changes }), {
        name: 'RangeError',
        message: reason,
      });
    });
  }

  test('S4-075 for a target that is not listed, however alike its name', () => {
    const listed = createServiceTokenIssuer({ keys: keysOf('checkout-service'), targets: ['order-service'] }, time);
    for (const targetService of ['inventory-service', 'order-service-2', 'order', 'order-service.GET']) {
      assert.throws(() => listed.issueServiceToken({ ...request, targetService }), /may call order-service and nobody/);
    }
    listed.issueServiceToken({ ...request, targetService: 'order-service:GET:/orders/:id' });
  });

  test('S4-111 for more than a quarter of an hour, unless the keys say so explicitly', () => {
    const keys = keysOf('checkout-service');
    assert.throws(() => createServiceTokenIssuer({ keys, lifetimeSeconds: 901 }, time), /at most 900/);
    for (const lifetimeSeconds of [0, -1, 0.5, Number.NaN]) {
      assert.throws(() => createServiceTokenIssuer({ keys, lifetimeSeconds }, time), RangeError);
    }
    const long = keysOf('checkout-service', 'RS256', 3_600);
    const token = createServiceTokenIssuer({ keys: long, lifetimeSeconds: 3_600 }, time).issueServiceToken(request);
    assert.equal(decodeJwt(token).exp, NOW + 3_600);
  });
});

test('S4-038 S4-039 S4-041 S4-042 S4-043 S4-044 S4-045 what a token says of its caller and its target, for five minutes', () => {
  const { jti, ...claims } = decodeJwt(issuer.issueServiceToken(request));
  assert.equal(typeof jti, 'string');
  assert.deepEqual(claims, {
    iss: 'checkout-service',
    sub: 'checkout-service',
    client_id: 'checkout-service',
    aud: 'order-service',
    iat: NOW,
    exp: NOW + 300,
    scope: 'orders:create orders:read',
  });
});

test('S4-037 S4-040 RS256 by default, with the kid of the key; another library verifies it with the public key alone', async () => {
  const token = issuer.issueServiceToken(request);
  assert.deepEqual(decodeProtectedHeader(token), { alg: 'RS256', typ: 'at+jwt', kid: 'key-2026-04' });
  await jwtVerify(token, PAIRS.RS256.publicKey, {
    audience: 'order-service',
    issuer: 'checkout-service',
    currentDate: new Date(NOW * 1000),
  });
});

for (const algorithm of ['ES256', 'EdDSA'] as const) {
  test(`${algorithm} follows from the key, and another library verifies it`, async () => {
    const other = createServiceTokenIssuer({ keys: keysOf('checkout-service', algorithm) }, time);
    const token = other.issueServiceToken(request);
    const { protectedHeader } = await jwtVerify(token, PAIRS[algorithm].publicKey, {
      currentDate: new Date(NOW * 1000),
    });
    assert.equal(protectedHeader.alg, algorithm);
  });
}

test('S4-046 a thousand tokens have a thousand UUIDs', () => {
  const small = createServiceTokenIssuer({ keys: keysOf('checkout-service', 'EdDSA') }, time);
  const ids = Array.from({ length: 1_000 }, () => decodeJwt(small.issueServiceToken(request)).jti);
  assert.equal(new Set(ids).size, 1_000);
  for (const id of ids)
    assert.match(String(id), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('S4-048 a user is in the token only when one is given', () => {
  const without = decodeJwt(issuer.issueServiceToken(request));
  assert.ok(!('user_id' in without) && !('user_roles' in without));
  const userContext = { userId: 'user-123', roles: ['customer', 'beta'] };
  const { user_id: id, user_roles: roles } = decodeJwt(issuer.issueServiceToken({ ...request, userContext }));
  assert.deepEqual([id, roles], ['user-123', ['customer', 'beta']]);
});

test('S4-047 where verifiers split no string, scope is an array of strings, and a warning says so', async () => {
  const warning = once(process, 'warning') as Promise<[Error & { code?: string }]>;
  const legacy = createServiceTokenIssuer({ keys: keysOf('checkout-service'), legacyScopeArray: true }, time);
  assert.deepEqual(decodeJwt(legacy.issueServiceToken(request))['scope'], ['orders:create', 'orders:read']);
  assert.equal((await warning)[0].code, 'SIDEGATE_LEGACY_SCOPE');
});

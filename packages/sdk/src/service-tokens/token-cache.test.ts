import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { decodeJwt } from 'jose';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { serviceTokenCredentials } from './credentials.ts';
import { createServiceTokenIssuer } from './issue.ts';
import { readSigningKey } from './read-key.ts';
import { createServiceKeys } from './service-keys.ts';
import { ServiceTokenCache } from './token-cache.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });

function cacheFor(lifetimeSeconds = 300) {
  const time = manualTime();
  const key = { ...readSigningKey(pem, 'k1'), signsFrom: 0 };
  const keys = createServiceKeys({ service: 'checkout-service', keys: [key] }, time);
  const issuer = createServiceTokenIssuer({ keys, lifetimeSeconds }, time);
  return { time, issuer, cache: new ServiceTokenCache(issuer, time) };
}

test('S4-080 a token for one target is never given out for another', () => {
  const { cache } = cacheFor();
  const forOrders = cache.getToken('checkout-service', 'order-service', ['read']);
  const forStock = cache.getToken('checkout-service', 'inventory-service', ['read']);
  assert.equal(decodeJwt(forOrders).aud, 'order-service');
  assert.equal(decodeJwt(forStock).aud, 'inventory-service');
});

test('names that run into each other stay apart', () => {
  const { cache } = cacheFor();
  const one = cache.getToken('checkout-service', 'a', ['b:c', 'd']);
  for (const [target, scopes] of [
    ['a', ['b:c,d']],
    ['a:b', ['c', 'd']],
    ['a', ['b', 'c', 'd']],
  ] as const) {
    assert.notEqual(cache.getToken('checkout-service', target, scopes), one);
  }
});

test('a caller whose keys these are not gets none, cached or not', () => {
  const { cache } = cacheFor();
  cache.getToken('checkout-service', 'order-service', ['read']);
  assert.throws(() => cache.getToken('order-service', 'order-service', ['read']), /only as itself/);
});

test('S4-076 S4-077 the same token whatever the order of the scopes, which stay as the caller has them', () => {
  const { cache } = cacheFor();
  const scopes = Object.freeze(['orders:read', 'orders:create']);
  const first = cache.getToken('checkout-service', 'order-service', scopes);
  assert.equal(cache.getToken('checkout-service', 'order-service', ['orders:create', 'orders:read']), first);
  assert.deepEqual(scopes, ['orders:read', 'orders:create']);
  assert.equal(decodeJwt(first)['scope'], 'orders:read orders:create');
});

for (const lifetimeSeconds of [300, 60]) {
  test(`S4-078 S4-079 of ${lifetimeSeconds} seconds the last 30 are not used, as the token's own exp says`, () => {
    const { time, cache } = cacheFor(lifetimeSeconds);
    const first = cache.getToken('checkout-service', 'order-service', []);
    time.advance((lifetimeSeconds - 30) * 1000 - 1);
    assert.equal(cache.getToken('checkout-service', 'order-service', []), first);
    time.advance(1);
    const second = cache.getToken('checkout-service', 'order-service', []);
    assert.notEqual(second, first);
    assert.equal(decodeJwt(second).exp, Number(decodeJwt(first).exp) + lifetimeSeconds - 30);
  });
}

const outgoing = { method: 'GET', url: new URL('https://order-service/orders'), headers: {}, body: undefined };
const claimsOf = (fields: Readonly<Record<string, string>>) =>
  decodeJwt(fields['authorization']?.replace('Bearer ', '') ?? '');

test('S4-081 no token with a user in it is given out twice, to that user or to another', async () => {
  const { issuer, time } = cacheFor();
  let userContext: { userId: string; roles: string[] } | undefined = { userId: 'alice', roles: ['customer'] };
  const options = { issuer, service: 'checkout-service', target: 'order-service', scopes: ['orders:create'] };
  const credentials = serviceTokenCredentials({ ...options, userContext: () => userContext }, time);
  const alice = claimsOf(await credentials.authorize(outgoing));
  const aliceAgain = claimsOf(await credentials.authorize(outgoing));
  userContext = { userId: 'bob', roles: [] };
  const bob = claimsOf(await credentials.authorize(outgoing));
  userContext = undefined;
  const nobody = claimsOf(await credentials.authorize(outgoing));
  assert.deepEqual([alice['user_id'], aliceAgain['user_id'], bob['user_id']], ['alice', 'alice', 'bob']);
  assert.ok(!('user_id' in nobody));
  assert.equal(new Set([alice.jti, aliceAgain.jti, bob.jti, nobody.jti]).size, 4);
  assert.equal(claimsOf(await credentials.authorize(outgoing)).jti, nobody.jti, 'a token of the service alone is kept');
});

test('a token that the target refused is not sent again', async () => {
  const { issuer, time } = cacheFor();
  const options = { issuer, service: 'checkout-service', target: 'order-service', scopes: [] };
  const credentials = serviceTokenCredentials(options, time);
  const first = await credentials.authorize(outgoing);
  credentials.refused(outgoing);
  assert.notDeepEqual(await credentials.authorize(outgoing), first);
});

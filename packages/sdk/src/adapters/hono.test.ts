import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hono } from 'hono';
import { createSigningKey, keySetBytes, mint } from '../../../../tests/support/tokens.ts';
import { createPushedJwks } from '../jwt/pushed-jwks.ts';
import { bearer } from '../server/bearer.ts';
import { serviceAuth } from '../server/service-auth.ts';
import { type GuardedEnv, honoGuards } from './hono.ts';

const key = createSigningKey('ES256', 'k1');
const keys = createPushedJwks(keySetBytes(key.jwk()));
const guards = honoGuards(
  serviceAuth({
    service: 'orders',
    authenticator: bearer({ issuers: [{ issuer: 'order-service', keys }], audience: 'orders' }),
  }),
);
const app = new Hono<GuardedEnv>().get('/', guards.serviceOnly(), (c) =>
  c.text(c.get('principal')?.service?.name ?? ''),
);
const mintNow = (): string => {
  const now = Math.floor(Date.now() / 1000);
  return mint({ iss: 'order-service', sub: 'order-service', aud: 'orders', iat: now, exp: now + 60 }, { key });
};

test('without Node, two credentials in one field are none', async () => {
  const token = mintNow();
  const headers = new Headers([
    ['Authorization', `Bearer ${token}`],
    ['Authorization', `Bearer ${token}`],
  ]);
  assert.equal((await app.request('/', { headers })).status, 400);
  assert.equal((await app.request('/')).status, 401);
});

test('without Node, a token says who calls', async () => {
  const answer = await app.request('/', { headers: { Authorization: `Bearer ${mintNow()}` } });
  assert.deepEqual([answer.status, await answer.text()], [200, 'order-service']);
});

test('a handler for all methods is a route, and middleware is none', () => {
  const open = new Hono<GuardedEnv>().use('*', (_, next) => next());
  guards.requireRules(open);
  open.all('/any', (c) => c.text(''));
  assert.throws(() => guards.requireRules(open), /orders: ALL \/any: nobody said who may call/);
});

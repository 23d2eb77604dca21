/** Tokens whose audience is one operation of a service, and everything else of that service. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Ingress, startIngress } from '../support/ingress.ts';

let ingress: Ingress;
before(async () => {
  ingress = await startIngress({
    proxy: '  authz: { enabled: false }\n  routes: [{ path: /** }]\n  public_paths: [/open]',
  });
});
after(() => ingress[Symbol.asyncDispose]());

const ask = (aud: unknown, target: string, method = 'GET') =>
  ingress.send({ method, target, headers: ['Authorization', `Bearer ${ingress.token({ aud })}`] });
const SERVICE = 'order-service';
const ONE = `${SERVICE}:GET:/orders/:id`;

const REFUSED: readonly (readonly [title: string, aud: unknown, target: string, method?: string])[] = [
  ['another method', ONE, '/orders/42', 'DELETE'],
  ['a method in lower case', `${SERVICE}:get:/orders/:id`, '/orders/42'],
  ['a longer path', ONE, '/orders/42/items'],
  ['a shorter path', ONE, '/orders'],
  ['an empty segment', ONE, '/orders/'],
  ['another path', ONE, '/refunds/42'],
  ['a path that begins alike', ONE, '/orders-admin/42'],
  ['the root', ONE, '/'],
  ['an operation of another service', 'payment-service:GET:/orders/:id', '/orders/42'],
  ['a service whose name begins alike', `${SERVICE}-2:GET:/orders/:id`, '/orders/42'],
  ['an operation with a star', `${SERVICE}:GET:/*`, '/orders'],
  ['an operation with two stars', `${SERVICE}:GET:/**`, '/orders/42'],
  ['every method', `${SERVICE}:*:/orders/:id`, '/orders/42'],
  ['no path', `${SERVICE}:GET:`, '/orders/42'],
  ['no method', `${SERVICE}:/orders/:id`, '/orders/42'],
  ['the service with a colon', `${SERVICE}:`, '/orders/42'],
  ['two operations, neither of them this one', [`${SERVICE}:POST:/orders`, ONE], '/orders', 'DELETE'],
];

describe('S4-074 a token for one operation', () => {
  for (const [title, aud, target, method] of REFUSED) {
    test(`is token_aud_mismatch at ${title}`, async () => {
      await ingress.refused('token_aud_mismatch', () => ask(aud, target, method));
    });
  }

  test('S4-073 is accepted at this operation, with whatever its query and its segments are', async () => {
    for (const target of ['/orders/42', '/orders/PROD-1?page=2', '/orders/a%20b', '/orders/:id']) {
      assert.equal((await ask(ONE, target)).status, 200, target);
    }
    assert.equal((await ask(`${SERVICE}:POST:/orders`, '/orders', 'POST')).status, 200);
    assert.equal((await ask([`${SERVICE}:POST:/orders`, ONE], '/orders/42')).status, 200);
  });

  test('is as good as any beside the service itself', async () => {
    assert.equal((await ask([ONE, SERVICE], '/refunds/42', 'DELETE')).status, 200);
  });
});

/** Corpus A, 49: a scope is granted by its exact name, or the route answers 403. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Ingress, startIngress } from '../support/ingress.ts';

let ingress: Ingress;
before(async () => {
  ingress = await startIngress({
    proxy: `  authz: { enabled: false }
  routes:
    - { path: /payments/**, required_scopes: ["payment:charge"] }
    - { path: /refunds/**, required_scopes: ["payment:charge", "payment:refund"] }
    - { path: /** }
  public_paths: [/open]`,
  });
});
after(() => ingress[Symbol.asyncDispose]());

const ask = (scope: unknown, target = '/payments/1') =>
  ingress.send({ target, headers: ['Authorization', `Bearer ${ingress.token({ scope })}`] });

describe('S0-07 a token without the scope that the route asks for', () => {
  const LACKING: readonly unknown[] = [
    undefined,
    '',
    'payment:charge_all',
    'payment:charge-all',
    'payment:charge:all',
    'payment:charg',
    'xpayment:charge',
    'payment',
    'payment:*',
    '*',
    'PAYMENT:CHARGE',
    'payment:Charge',
    'payment:charge\u00a0',
    '\u00a0payment:charge',
    'openid\u00a0payment:charge',
    'payment:charge\u00a0other',
    'payment:charge\tother',
    'other\tpayment:charge',
    'payment:charge\n',
    'payment:charge\u0000',
    'payment:charge\u200b',
    'payment:charge\u3000other',
    'payment:charge\u2003other',
    'payment:charge,other',
    'payment:charge;other',
    'payment:charge+other',
    'payment:charge%20other',
    '"payment:charge"',
    'payment\uff1acharge',
    'p\u0430yment:charge',
    ['payment:charge other'],
    ['payment:charge '],
    [' payment:charge'],
    ['payment:charge\u00a0'],
    [],
    ['PAYMENT:CHARGE'],
  ];
  for (const scope of LACKING) {
    test(`C-049 scope ${JSON.stringify(scope)} is insufficient_scope`, async () => {
      await ingress.refused('insufficient_scope', () => ask(scope));
    });
  }

  test('C-049 one of two is insufficient_scope, and so is a claim of another name', async () => {
    for (const scope of ['payment:charge', 'payment:refund', ['payment:refund']]) {
      await ingress.refused('insufficient_scope', () => ask(scope, '/refunds/1'));
    }
    for (const claim of ['scp', 'scopes', 'Scope', 'permissions']) {
      const token = ingress.token({ [claim]: 'payment:charge' });
      const headers = ['Authorization', `Bearer ${token}`];
      await ingress.refused('insufficient_scope', () => ingress.send({ target: '/payments/1', headers }), [token]);
    }
  });

  for (const scope of [1, true, null, {}, { 'payment:charge': true }, ['payment:charge', 1], [['payment:charge']]]) {
    test(`C-049 scope ${JSON.stringify(scope)} is token_claim_type`, async () => {
      await ingress.refused('token_claim_type', () => ask(scope));
    });
  }
});

test('C-049 the exact name is enough, alone or among others, as text or as a list', async () => {
  for (const scope of [
    'payment:charge',
    'openid payment:charge',
    'payment:charge  openid',
    ['openid', 'payment:charge'],
  ]) {
    assert.equal((await ask(scope)).status, 200, JSON.stringify(scope));
  }
  assert.equal((await ask('payment:refund payment:charge', '/refunds/1')).status, 200);
  assert.equal((await ask(undefined, '/orders')).status, 200, 'a route that asks for none');
});

test('C-049 where no token is verified a route that asks for scopes is closed', async () => {
  await using open = await startIngress({
    proxy: `  auth: { enabled: false }
  authz: { enabled: false }
  routes: [{ path: /payments/**, required_scopes: ["payment:charge"] }, { path: /** }]`,
  });
  await open.refused('token_missing', () =>
    open.send({ target: '/payments/1', headers: ['Authorization', 'Basic x'] }),
  );
});

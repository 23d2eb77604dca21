import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bothLimits, checkLimits, type PrincipalLimits } from './limits.ts';

const REFUSED: readonly (readonly [
  title: string,
  limits: PrincipalLimits,
  operation: string | undefined,
  tenant?: string,
])[] = [
  ['another tenant', { tenants: ['t-1'] }, 'tenant:delete', 't-2'],
  ['a tenant whose name begins alike', { tenants: ['t-1'] }, 'tenant:delete', 't-10'],
  ['a call that is about no tenant', { tenants: ['t-1'] }, 'tenant:delete'],
  ['another operation', { operations: ['tenant:preview'] }, 'tenant:delete', 't-1'],
  ['a route that has no operation', { operations: ['tenant:preview'] }, undefined, 't-1'],
  ['anything, when nothing is left', { tenants: [] }, 'tenant:delete', 't-1'],
];

for (const [title, limits, operation, tenant] of REFUSED) {
  test(`a limited token is not for ${title}`, () => {
    assert.throws(() => checkLimits(limits, operation, tenant), { code: 'insufficient_scope' });
  });
}

test('within its limits, and without any, it is', () => {
  checkLimits({ tenants: ['t-1'], operations: ['tenant:delete'] }, 'tenant:delete', 't-1');
  checkLimits({}, undefined, undefined);
});

test('of two proofs the narrower limits count', () => {
  const one = { tenants: ['a', 'b'], operations: undefined };
  assert.deepEqual(bothLimits(one, { tenants: ['b', 'c'], operations: ['x'] }), { tenants: ['b'], operations: ['x'] });
  assert.deepEqual(bothLimits(undefined, one), one);
  assert.equal(bothLimits(undefined, undefined), undefined);
});

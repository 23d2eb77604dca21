import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overlaps } from './path-overlap.ts';

const ROWS: readonly (readonly [a: string, b: string, both: boolean])[] = [
  ['/orders', '/payments', false],
  ['/orders', '/orders/export', false],
  ['/orders-admin', '/orders/**', false],
  ['/orders/*', '/orders', false],
  ['/orders/*/lines', '/orders/7/notes', false],
  ['/orders/**', '/orders', true],
  ['/orders/**', '/orders/export', true],
  ['/orders/*', '/orders/export', true],
  ['/orders/*/lines', '/orders/7/*', true],
  ['/**', '/orders', true],
  ['/', '/**', true],
];
for (const [a, b, both] of ROWS) {
  test(`${a} and ${b} ${both ? 'may' : 'never'} match one path`, () => {
    const any = { methods: undefined };
    assert.equal(overlaps({ ...any, path: a }, { ...any, path: b }), both);
    assert.equal(overlaps({ ...any, path: b }, { ...any, path: a }), both);
  });
}

test('routes of other methods never match one request', () => {
  const [path, GET, POST] = ['/orders', ['GET'], ['POST']];
  assert.equal(overlaps({ path, methods: GET }, { path, methods: POST }), false);
  assert.equal(overlaps({ path, methods: GET }, { path, methods: undefined }), true);
});

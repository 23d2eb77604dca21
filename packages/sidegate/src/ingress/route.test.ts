import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Problem } from '@sidegate/sdk';
import { rewritePath } from '../net/rewrite-path.ts';
import type { Upstream } from '../net/upstream.ts';
import { compileRoutes, matchRoute, type Route } from './route.ts';

const upstream: Upstream = {
  origin: 'https://order-service.zone2.local:8443',
  send: () => Promise.reject(new Error('a route table sends nothing')),
  close: () => Promise.resolve(),
};

function route(path: string, rest: Partial<Route> = {}): Route {
  const asked = { authRequired: true, authzRequired: true, requiredScopes: [] };
  return { path, upstream, upstreamName: path, ...asked, websocket: false, ...rest };
}

function match(routes: readonly Route[], path: string, method = 'GET'): string {
  try {
    return matchRoute({ method, path, query: '', host: '' }, compileRoutes(routes)).route.upstreamName;
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    return error.code;
  }
}

describe('ingress routes', () => {
  const gateway = [
    route('/api/v1/orders/**'),
    route('/api/v1/payments/**'),
    route('/*/health'),
    route('/only', { methods: ['GET'] }),
  ];
  const ROWS: readonly (readonly [title: string, path: string, expected: string])[] = [
    ['S3-058 an unrouted path', '/api/v1/users', 'route_not_found'],
    ['a longer first segment', '/api/v1/orders-admin', 'route_not_found'],
    ['a parent', '/api/v1', 'route_not_found'],
    ['C-085 another case', '/API/v1/orders', 'route_not_found'],
    ['`*` is exactly one segment', '/a/b/health', 'route_not_found'],
    ['C-084 a final slash is another path', '/only/', 'route_not_found'],
    ['S3-055 the orders themselves', '/api/v1/orders', '/api/v1/orders/**'],
    ['S3-158 S3-055 an order', '/api/v1/orders/7/items', '/api/v1/orders/**'],
    ['S3-056 a payment', '/api/v1/payments/7', '/api/v1/payments/**'],
    ['`*` is one segment', '/orders/health', '/*/health'],
  ];
  for (const [title, path, expected] of ROWS) {
    test(`${title}: ${path} is ${expected}`, () => assert.equal(match(gateway, path), expected));
  }

  test('C-107 HEAD where only GET is routed is method_not_allowed', () => {
    assert.equal(match(gateway, '/only', 'HEAD'), 'method_not_allowed');
    assert.equal(match(gateway, '/only', 'GET'), '/only');
  });

  test('the first match wins', () => {
    assert.equal(
      match([route('/a/**', { upstreamName: 'first' }), route('/a/b', { upstreamName: 'second' })], '/a/b'),
      'first',
    );
  });
});

describe('path rewriting', () => {
  const ROWS: readonly (readonly [path: string, strip: string, rewrite: string, expected: string])[] = [
    ['/api/v1/orders', '/api/v1', '', '/orders'],
    ['/api/v1', '/api/v1', '', '/'],
    ['/api/v10/orders', '/api/v1', '', '/api/v10/orders'],
    ['/data/inventory/X', '/data', '/v2', '/v2/inventory/X'],
    ['/data', '/data', '/v2/', '/v2'],
    ['/data/', '/data', '', '/'],
    ['/x', '', '', '/x'],
    ['/x', '', '/v2', '/v2/x'],
  ];
  for (const [path, stripPrefix, rewritePrefix, expected] of ROWS) {
    test(`S3-057 S3-186 ${path} without "${stripPrefix}" under "${rewritePrefix}" is ${expected}`, () => {
      assert.equal(rewritePath(path, { stripPrefix, rewritePrefix }), expected);
    });
  }
});

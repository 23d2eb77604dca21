/** Corpus D and E over raw sockets: which target is meant, which headers are too many. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { valuesOf } from '../support/http-app.ts';
import { startIngress } from '../support/ingress.ts';
import type { WireRequest } from '../support/wire.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

const POLICY = `package order

import rego.v1

default allow := false

allow if {
	input.request.method == "GET"
	input.request.path in {"/", "/admin", "/status"}
}

allow if startswith(concat("", [input.request.path, "/"]), "/inventory/")

allow if {
	input.request.path == "/host"
	input.request.host == "secret.com"
}
`;

let order: OrderSidecar;
before(async () => {
  order = await startOrderSidecar({ policy: POLICY });
});
after(() => order[Symbol.asyncDispose]());

/** As the gateway, with a good token before the row's own headers. */
function withToken(request: WireRequest): WireRequest {
  return { ...request, headers: ['Authorization', `Bearer ${order.userToken()}`, ...(request.headers ?? [])] };
}

type Row = readonly [title: string, code: ProblemCode, request: WireRequest];

describe('S3-211 a path that two programs could read differently', () => {
  const ROWS: readonly (readonly [title: string, target: string])[] = [
    ['C-096 an absolute target in capitals', 'HTTPS://localhost/admin'],
    ['C-098 an asterisk that is not for OPTIONS', '*'],
    ['C-104 an encoded slash inside a parameter of a route', '/orders/1%2F..%2Fadmin'],
  ];
  for (const [title, target] of ROWS) {
    test(`${title} is path_ambiguous: ${target}`, async () => {
      await order.refused('path_ambiguous', () => order.send(withToken({ target })));
    });
  }
});

describe('refused targets', () => {
  const ROWS: readonly Row[] = [
    ['C-097 a target without a slash', 'path_ambiguous', { target: 'admin' }],
    ['C-098 OPTIONS *', 'method_not_allowed', { method: 'OPTIONS', target: '*' }],
    ['C-099 TRACE', 'method_not_allowed', { method: 'TRACE', target: '/admin' }],
    ['C-100 a segment that begins like an allowed one', 'policy_denied', { target: '/inventory-admin' }],
    ['C-105 16 KB of path', 'target_too_long', { target: `/${'a'.repeat(16_384)}` }],
    ['C-105 a head larger than all limits', 'too_many_headers', { target: `/${'a'.repeat(100_000)}` }],
    [
      'C-106 a method that only an override header makes right',
      'policy_denied',
      { method: 'DELETE', target: '/admin', headers: ['X-HTTP-Method-Override', 'GET'] },
    ],
    [
      'C-130 a probe by its User-Agent, where the policy denies',
      'policy_denied',
      { target: '/healthz', headers: ['User-Agent', 'kube-probe/1.31'] },
    ],
  ];
  for (const [title, code, request] of ROWS) {
    test(`${title} is ${code}`, async () => {
      await order.refused(code, () => order.send(withToken(request)));
    });
  }

  test('C-107 HEAD where only GET is allowed is denied, without a body', async () => {
    const before = order.app.seen.length;
    const answer = await order.send(withToken({ method: 'HEAD', target: '/admin' }));
    assert.deepEqual([answer.status, answer.body, order.app.seen.length], [403, '', before]);
    assert.equal(order.sidecar.audit.at(-1)?.['code'], 'policy_denied');
  });

  test('C-130 a probe by its User-Agent without a token is token_missing', async () => {
    await order.refused('token_missing', () => order.send({ headers: ['User-Agent', 'kube-probe/1.31'] }));
  });

  for (const target of ['/metrics', '/healthz', '/config', '/']) {
    test(`C-131 ${target} of the sidecar itself is not on the ingress: route_not_found`, async () => {
      await using ingress = await startIngress({
        proxy: '  authz: { enabled: false }\n  routes: [{ path: /orders/** }]',
      });
      const record = await ingress.refused('route_not_found', () => ingress.send({ target }));
      assert.deepEqual([record['method'], record['path']], ['GET', target]);
    });
  }
});

describe('refused headers', () => {
  const many = Array.from({ length: 2_100 }, () => ['a', 'b']).flat();
  const ROWS: readonly Row[] = [
    ['C-123 a byte above ASCII in an identity header', 'header_value_invalid', { headers: ['X-User-ID', 'ad\xe9min'] }],
    [
      'C-126 2,100 headers before a Content-Length',
      'too_many_headers',
      { headers: [...many, 'Content-Length', '5'], body: 'hello' },
    ],
    ['C-126 101 headers', 'too_many_headers', { headers: many.slice(0, 2 * 98) }],
    ['C-127 two Host headers', 'duplicate_header', { headers: ['Host', 'localhost', 'host', 'localhost'] }],
    ['C-128 an empty Host', 'host_invalid', { headers: ['Host', ''] }],
    ['C-128 userinfo in Host', 'host_invalid', { headers: ['Host', 'a@localhost'] }],
    ['C-128 a list in Host', 'host_invalid', { headers: ['Host', 'localhost,evil'] }],
    [
      'C-148 another expectation than 100-continue',
      'expectation_failed',
      { method: 'POST', headers: ['Expect', 'x'], body: 'hello' },
    ],
  ];
  for (const [title, code, request] of ROWS) {
    test(`${title} is ${code}`, async () => {
      await order.refused(code, () => order.send(withToken(request)));
    });
  }
});

describe('accepted', () => {
  for (const host of ['Secret.com', 'secret.com.', 'secret.com:443', 'SECRET.COM.:8443']) {
    test(`C-108 Host: ${host} is secret.com to the policy`, async () => {
      assert.equal((await order.send(withToken({ target: '/host', headers: ['Host', host] }))).status, 200);
    });
  }

  test('C-106 an override header does not reach the app', async () => {
    await order.send(withToken({ target: '/admin', headers: ['X-HTTP-Method-Override', 'DELETE'] }));
    const { method, rawHeaders = [] } = order.app.seen.at(-1) ?? {};
    assert.deepEqual([method, valuesOf(rawHeaders, 'x-http-method-override')], ['GET', []]);
  });

  for (const name of ['__proto__', 'constructor', 'toString']) {
    test(`C-122 a header named ${name} is a header like any other`, async () => {
      assert.equal((await order.send(withToken({ headers: [name, 'polluted'] }))).status, 200);
      assert.deepEqual(valuesOf(order.app.seen.at(-1)?.rawHeaders ?? [], name), ['polluted']);
      assert.ok(!('polluted' in {}));
    });
  }

  test('C-100 the segment itself and what is below it are allowed', async () => {
    for (const target of ['/inventory', '/inventory/PROD-123']) {
      assert.equal((await order.send(withToken({ target }))).status, 200);
    }
  });
});

/** Corpus D and E, 96 to 108 and 126 to 131, with what a hostile client would try next: which resource, and at which host. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PROBLEMS, type ProblemCode } from '@sidegate/sdk';
import { startIngress } from '../support/ingress.ts';
import { sendBytes, sendRequest } from '../support/wire.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

const POLICY = `package order

import rego.v1

default allow := false

allow if {
	input.request.method == "GET"
	input.request.path == "/admin"
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

/** With a good token; the connection is ours to end unless the refusal ends it. */
function refused(code: ProblemCode, lines: readonly string[]) {
  const last = [400, 414, 417].includes(PROBLEMS[code].status) ? [] : ['Connection: close'];
  const head = [...lines, ...last, `Authorization: Bearer ${order.userToken()}`];
  return order.refused(code, () => sendBytes(order.wire(), Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1')));
}

type Row = readonly [title: string, code: ProblemCode, ...lines: string[]];
const get = (title: string, code: ProblemCode, target: string): Row => [
  title,
  code,
  `GET ${target} HTTP/1.1`,
  'Host: localhost',
];
const hosted = (title: string, code: ProblemCode, host: string): Row => [
  title,
  code,
  'GET /admin HTTP/1.1',
  `Host: ${host}`,
];

describe('a target in another form than the origin form', () => {
  const ROWS: readonly Row[] = [
    ...['HTTP', 'HTTPS', 'hTTp', 'Http', 'ftp', 'ws', 'spiffe', 'file'].map((scheme) =>
      get(`C-096 the scheme ${scheme}`, 'path_ambiguous', `${scheme}://localhost/admin`),
    ),
    get('C-096 a scheme with one slash', 'path_ambiguous', 'http:/localhost/admin'),
    get('C-096 a scheme without slashes', 'path_ambiguous', 'http:localhost/admin'),
    get('C-096 no authority', 'path_ambiguous', 'http:///admin'),
    get('C-096 userinfo in the authority', 'host_mismatch', 'http://localhost@evil/admin'),
    get('C-096 userinfo with a port', 'host_mismatch', 'http://localhost:80@evil/admin'),
    get('C-096 a backslash in the authority', 'host_mismatch', 'http://localhost\\@evil/admin'),
    get('C-096 a query right behind the authority', 'path_ambiguous', 'http://localhost?/admin'),
    get('C-096 a dot segment behind the authority', 'path_ambiguous', 'http://localhost/a/../admin'),
    get('C-096 an empty segment behind the authority', 'path_ambiguous', 'http://localhost//admin'),
    ...['admin', './admin', '../admin', '%2fadmin', '.', '?/admin', ':80/admin', 'localhost/admin', '@evil/admin'].map(
      (target) => get(`C-097 no slash before ${target}`, 'path_ambiguous', target),
    ),
    ...['*', '**', '*/admin', '*?x', '*#'].map((target) => get(`C-098 GET ${target}`, 'path_ambiguous', target)),
    ['C-098 OPTIONS **', 'path_ambiguous', 'OPTIONS ** HTTP/1.1', 'Host: localhost'],
    ['C-098 OPTIONS * on HTTP/1.0', 'method_not_allowed', 'OPTIONS * HTTP/1.0'],
    ['C-099 CONNECT with a path', 'method_not_allowed', 'CONNECT /admin HTTP/1.1', 'Host: localhost'],
    ['C-099 CONNECT to another host', 'method_not_allowed', 'CONNECT evil:443 HTTP/1.1', 'Host: evil:443'],
    ['C-099 TRACE *', 'method_not_allowed', 'TRACE * HTTP/1.1', 'Host: localhost'],
    ['C-099 TRACE on HTTP/1.0', 'method_not_allowed', 'TRACE /admin HTTP/1.0'],
    ['C-099 TRACE in lower case', 'framing_invalid', 'trace /admin HTTP/1.1', 'Host: localhost'],
    ['C-099 TRACK', 'framing_invalid', 'TRACK /admin HTTP/1.1', 'Host: localhost'],
    ['C-099 DEBUG', 'framing_invalid', 'DEBUG /admin HTTP/1.1', 'Host: localhost'],
  ];
  for (const [title, code, ...lines] of ROWS) {
    test(`${title} is ${code}`, async () => {
      await refused(code, lines);
    });
  }
});

describe('a path that is nearly an allowed one', () => {
  const ROWS: readonly Row[] = [
    ...[
      '/inventoryx',
      '/inventory.json',
      '/inventory-admin/PROD-123',
      '/inventory:80',
      '/Inventory/x',
      '/x/inventory/y',
    ].map((path) => get(`C-100 ${path}`, 'policy_denied', path)),
    ...['/inventory%2Fx', '/inventory%5Cx', '/inventory;/x', '/inventory/..;/x', '/inventory/%2e%2e/admin'].map(
      (path) => get(`C-100 C-104 ${path}`, 'path_ambiguous', path),
    ),
    ...[
      '1%2f..%2fadmin',
      '1%5C..%5Cadmin',
      '1%252F..%252Fadmin',
      '%2e%2e%2fadmin',
      '1%2Fadmin',
      '1;/../admin',
      '1%00',
    ].map((id) => get(`C-104 the id ${id}`, 'path_ambiguous', `/inventory/${id}`)),
    get('C-105 a byte more than 8 KiB', 'target_too_long', `/${'a'.repeat(8_192)}`),
    get('C-105 16 KB of query', 'target_too_long', `/admin?${'a'.repeat(16_384)}`),
    get('C-105 16 KB in absolute form', 'target_too_long', `http://localhost/${'a'.repeat(16_384)}`),
    get('C-105 16 KB of encoded bytes', 'target_too_long', `/${'%41'.repeat(5_500)}`),
    ...['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', 'x-http-method-override'].map(
      (name): Row => [`C-106 ${name}`, 'policy_denied', 'DELETE /admin HTTP/1.1', 'Host: localhost', `${name}: GET`],
    ),
    ...['X_HTTP_Method_Override', 'X-HTTP-Method_Override', 'X.Method.Override'].map(
      (name): Row => [
        `C-106 ${name}`,
        'header_name_ambiguous',
        'DELETE /admin HTTP/1.1',
        'Host: localhost',
        `${name}: GET`,
      ],
    ),
    ['C-106 the method in the query', 'policy_denied', 'POST /admin?_method=GET HTTP/1.1', 'Host: localhost'],
    ['C-107 OPTIONS where only GET is allowed', 'policy_denied', 'OPTIONS /admin HTTP/1.1', 'Host: localhost'],
    ['C-107 QUERY where only GET is allowed', 'policy_denied', 'QUERY /admin HTTP/1.1', 'Host: localhost'],
  ];
  for (const [title, code, ...lines] of ROWS) {
    test(`${title.slice(0, 80)} is ${code}`, async () => {
      await refused(code, lines);
    });
  }

  for (const [method, routes, code] of [
    ['HEAD', '{ path: /**, methods: [GET] }', 405],
    ['OPTIONS', '{ path: /**, methods: [GET, HEAD] }', 405],
  ] as const) {
    test(`C-107 ${method} on a route that does not list it is ${code}, and reaches nobody`, async () => {
      await using ingress = await startIngress({ proxy: `  authz: { enabled: false }\n  routes: [${routes}]` });
      const answer = await ingress.send({ method, target: '/admin' });
      const [record, ...more] = ingress.sidecar.audit;
      assert.deepEqual([answer.status, record?.['code'], more, ingress.app.seen], [code, 'method_not_allowed', [], []]);
    });
  }
});

describe('a Host that is none', () => {
  const HOSTS = [
    '',
    'user@localhost',
    'user:pass@localhost',
    'localhost,evil',
    'localhost, localhost',
    'localhost evil',
    'localhost/evil',
    'localhost?x',
    'localhost#x',
    'localhost\\evil',
    'localhost;x',
    'localhost%00',
    'localhost%2eevil',
    'localhost:',
    'localhost:x',
    'localhost:-1',
    'localhost:+80',
    'localhost:80:80',
    'localhost:65536',
    'localhost:99999',
    '.',
    '..',
    '.localhost',
    'local..host',
    'localhost..',
    '"localhost"',
    'http://localhost',
    '<localhost>',
    'l\xf6calhost',
    '::1',
    '[::1',
    '::1]',
    '[]',
    '[::1]x',
    '[g::1]',
    '[::::]',
    '[1.2.3.4]',
    '[::1%25eth0]',
    '[::1]:65536',
  ];
  for (const host of HOSTS) {
    const [title, code, ...lines] = hosted(`C-128 Host: ${host}`, 'host_invalid', host);
    test(`${title} is ${code}`, async () => {
      await refused(code, lines);
    });
  }

  const TWICE: readonly Row[] = [
    ['C-127 the same Host twice', 'duplicate_header', 'GET /admin HTTP/1.1', 'Host: localhost', 'Host: localhost'],
    ['C-127 another case', 'duplicate_header', 'GET /admin HTTP/1.1', 'Host: localhost', 'HOST: evil'],
    ['C-127 an empty one behind it', 'duplicate_header', 'GET /admin HTTP/1.1', 'Host: localhost', 'Host:'],
    ['C-127 two on HTTP/1.0', 'duplicate_header', 'GET /admin HTTP/1.0', 'Host: localhost', 'Host: evil'],
    ['C-127 none on HTTP/1.1', 'host_invalid', 'GET /admin HTTP/1.1', 'X-Host: localhost'],
    ['C-127 a folded one', 'framing_invalid', 'GET /admin HTTP/1.1', 'Host:', ' localhost'],
    ['C-127 a blank before the colon', 'framing_invalid', 'GET /admin HTTP/1.1', 'Host : localhost'],
  ];
  for (const [title, code, ...lines] of TWICE) {
    test(`${title} is ${code}`, async () => {
      await refused(code, lines);
    });
  }

  for (const host of [
    'secret.com.evil',
    'evil.secret.com',
    'secret-com',
    'secretxcom',
    'secret.com.evil:443',
    'xsecret.com',
  ]) {
    test(`C-108 Host: ${host} is not secret.com to the policy`, async () => {
      await refused('policy_denied', ['GET /host HTTP/1.1', `Host: ${host}`]);
    });
  }

  for (const name of ['X-Forwarded-Host', 'X-Host', 'X-Original-Host', 'Forwarded']) {
    test(`C-108 ${name} does not become the host of the policy`, async () => {
      const value = name === 'Forwarded' ? 'host=secret.com' : 'secret.com';
      await refused('policy_denied', ['GET /host HTTP/1.1', 'Host: localhost', `${name}: ${value}`]);
    });
  }
});

describe('one listener has one identity', () => {
  const named = (servername: string) => ({
    ...order.wire(),
    tls: { ca: order.zone.certPem, cert: order.gateway.certPem, key: order.gateway.keyPem, servername, anyName: true },
  });
  const headers = (host: string) => ['Host', host, 'Authorization', `Bearer ${order.userToken()}`];

  for (const servername of ['secret.com', 'SECRET.com', 'other.example', 'localhost']) {
    test(`C-129 the server name ${servername} is not what the policy takes for the host`, async () => {
      await order.refused('policy_denied', () =>
        sendRequest(named(servername), { target: '/host', headers: headers('localhost') }),
      );
      const answer = await sendRequest(named(servername), { target: '/host', headers: headers('secret.com') });
      assert.equal(answer.status, 200);
    });
  }
});

describe('what belongs to the sidecar itself', () => {
  for (const agent of ['kube-probe/1.31', 'ELB-HealthChecker/2.0', 'GoogleHC/1.0', 'Prometheus/3.0', 'Envoy/HC']) {
    for (const target of ['/healthz', '/ready', '/metrics']) {
      test(`C-130 ${agent} gets ${target} by neither its name nor its path`, async () => {
        await order.refused('token_missing', () => order.send({ target, headers: ['User-Agent', agent] }));
        await refused('policy_denied', [`GET ${target} HTTP/1.1`, 'Host: localhost', `User-Agent: ${agent}`]);
      });
    }
  }

  for (const target of [
    '/health',
    '/ready',
    '/live',
    '/v1/authorize',
    '/v1/authorize/batch',
    '/server_info',
    '/quitquitquit',
  ]) {
    test(`C-131 ${target} is not on the ingress: route_not_found`, async () => {
      await using ingress = await startIngress({
        proxy: '  authz: { enabled: false }\n  routes: [{ path: /orders/** }]',
      });
      for (const host of ['localhost', `127.0.0.1:${ingress.sidecar.adminPort}`]) {
        await ingress.refused('route_not_found', () => ingress.send({ target, headers: ['Host', host] }));
      }
    });
  }
});

/** Corpus D, 78 to 95, with neighbours: a path that two programs could read differently reaches neither of them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sendBytes, type WireRequest } from '../support/wire.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

const POLICY = `package order

import rego.v1

default allow := false

allow if input.request.path in {"/", "/admin", "/status"}
`;

let order: OrderSidecar;
before(async () => {
  order = await startOrderSidecar({ policy: POLICY });
});
after(() => order[Symbol.asyncDispose]());

/** As the gateway, with a good token before the row's own headers. */
function withToken({ headers = [], ...request }: WireRequest): WireRequest {
  return { ...request, headers: ['Authorization', `Bearer ${order.userToken()}`, ...headers] };
}

const AMBIGUOUS: Readonly<Record<string, readonly string[]>> = {
  'C-078 dot segments': [
    '/public/../admin',
    '/..',
    '/../admin',
    '/public/..',
    '/public/../',
    '/public/../../admin',
    '/public/../admin?x=1',
  ],
  'C-079 encoded dots': [
    '/public/%2e%2e/admin',
    '/public/.%2E/admin',
    '/public/%2E./admin',
    '/public/%2E%2e',
    '/%2e',
    '/%2e/admin',
    '/public/%2e%2e%2fadmin',
    '/admin%2e',
  ],
  'C-079 dots of another alphabet': ['/public/%ef%bc%8e%ef%bc%8e/admin', '/public/%e2%80%a5/admin', '/%e2%80%a4/admin'],
  'C-080 encoded separators': [
    '/public/..%2fadmin',
    '/public%5cadmin',
    '/public/..%2Fadmin',
    '/public/..%5Cadmin',
    '/public%2fadmin',
    '/%2fadmin',
    '/%5c%5cevil',
    '/admin%2f',
  ],
  'C-080 separators of another alphabet': [
    '/public%ef%bc%8fadmin',
    '/public%ef%bc%bcadmin',
    '/public%e2%88%95admin',
    '/public%e2%81%84admin',
    '/public%e2%88%96admin',
    '/public%ef%b9%a8admin',
    '/public/%e2%84%80dmin',
  ],
  'C-081 path parameters': [
    '/public/..;/admin',
    '/admin;x=1',
    '/admin;',
    '/;/admin',
    '/.;/admin',
    '/public/..;a=b/admin',
    '/public;/../admin',
    '/admin%3bx=1',
    '/admin%3B',
    '/admin%ef%bc%9bx=1',
  ],
  'C-082 empty segments': [
    '//admin',
    '/a//admin',
    '///admin',
    '//',
    '/admin//',
    '//evil.com/admin',
    '//localhost/admin',
    '/a///admin',
  ],
  'C-083 single dots': ['/./admin', '/admin/.', '/.', '/./', '/admin/./', './admin', '/././admin'],
  'C-086 NUL': ['/%00', '/admin%00', '/admin%00.html', '/%00/admin'],
  'C-087 encoded controls': [
    '/admin%0d%0aX:y',
    '/admin%09',
    '/admin%0a',
    '/admin%0D',
    '/admin%0b',
    '/admin%0c',
    '/admin%1b[31m',
    '/admin%7f',
    '/admin%01',
    '/admin%c2%85',
    '/admin%e2%80%a8',
    '/admin%e2%80%a9',
  ],
  'C-088 broken escapes': [
    '/admin%zz',
    '/admin%',
    '/%u0061dmin',
    '/%u002e%u002e/admin',
    '/admin%2',
    '/%g1',
    '/%1g',
    '/%%32%65',
    '/%x61',
    '/admin%%',
    '/%-1',
    '/admin%ef%bc%85',
  ],
  'C-089 double encodings': [
    '/%252e%252e/admin',
    '/%25252e',
    '/%252fadmin',
    '/%255cadmin',
    '/%25%32%65',
    '/admin%2500',
    '/%2525',
    '/%25/admin',
  ],
  'C-090 what is not UTF-8': [
    '/%c0%ae/admin',
    '/admin%ff',
    '/%c0%af',
    '/%c1%9c',
    '/%e0%80%af',
    '/%f0%80%80%af',
    '/%fe',
    '/%80',
    '/%c3',
    '/%c3/',
    '/%ed%a0%80',
    '/%f4%90%80%80',
    '/%f8%80%80%80%af',
  ],
  'C-091 backslashes': ['/a\\..\\admin', '/\\admin', '\\admin', '/a\\admin', '/..\\admin', '/\\\\evil', '/admin\\'],
  'C-092 raw bytes above ASCII': ['/\xe9', '/\x80', '/\xff', '/\xc0\xae', '/\xc3\xa9', '/admin?q=\xe9', '\xe9'],
  'C-092 characters that must be encoded': ['/a"b', '/<admin>', '/a^b', '/`id`', '/{admin}', '/a|b'],
  'C-093 fragments': ['/admin#x', '/admin#', '/#', '/admin?a#x', '/?#', '/admin%23x', '#admin', '/admin%ef%bc%83x'],
  'C-094 an encoded question mark': ['/private%3fp=/status', '/private%3Fp=/status', '/private%ef%bc%9fp=/status'],
  'C-095 an absolute target without a host': [
    'http:///admin',
    'http:/admin',
    'http:admin',
    'http://',
    'ftp://localhost/admin',
    'file:///etc/passwd',
    'http://localhost?@evil/admin',
    'http://localhost#@evil/admin',
    'localhost/admin',
    'localhost:443',
  ],
  'C-095 an absolute target with an ambiguous path': [
    'http://localhost//admin',
    'http://localhost/public/../admin',
    'https://localhost/%2e%2e/admin',
    'http://localhost/admin;x',
  ],
};

describe('S3-211 a path that two programs could read differently', () => {
  for (const [family, targets] of Object.entries(AMBIGUOUS)) {
    for (const target of targets) {
      test(`${family}: ${escaped(target)} is path_ambiguous`, async () => {
        await order.refused('path_ambiguous', () => order.send(withToken({ target })));
      });
    }
  }
});

describe('a target that is none', () => {
  const ROWS: Readonly<Record<string, readonly string[]>> = {
    'C-086 NUL': ['/admin\0', '/\0/admin'],
    'C-087 controls': ['/admin\t', '/admin\x0b', '/admin\x0c', '/admin\x1b', '/admin\x7f', '/admin\r', '/admin\n'],
    'C-088 a blank': ['/% 41', '/admin x', ' /admin', '/admin '],
  };
  for (const [family, targets] of Object.entries(ROWS)) {
    for (const target of targets) {
      test(`${family}: ${escaped(target)} is framing_invalid`, async () => {
        await order.refused('framing_invalid', () => order.send(withToken({ target })));
      });
    }
  }
});

describe('a path that is not the one that is allowed', () => {
  const ROWS: Readonly<Record<string, readonly string[]>> = {
    'C-084 beside /admin': ['/admin/', '/admin.', '/admin..', '/admin...', '/admin%20', '/admin/x', '/admin,', '/admi'],
    'C-085 beside /admin': ['/Admin', '/ADMIN', '/aDMIN', '/admi%4e', '/%41dmin', '/%61dmin', '/%ef%bd%81dmin'],
    'C-094 an allowed path in the query': [
      '/private?p=/status',
      '/private?/status',
      '/private?../status',
      '/private?path=/admin&x=/',
      '/private?',
      '/private??/status',
    ],
  };
  for (const [family, targets] of Object.entries(ROWS)) {
    for (const target of targets) {
      test(`${family}: ${target} is policy_denied`, async () => {
        await order.refused('policy_denied', () => order.send(withToken({ target })));
      });
    }
  }

  test('C-094 without a token it is token_missing', async () => {
    await order.refused('token_missing', () => order.send({ target: '/private?p=/status', headers: [] }));
  });
});

describe('an absolute target', () => {
  const MISMATCHES: readonly (readonly [target: string, host: string])[] = [
    ['http://evil/admin', 'a'],
    ['http://evil/admin', 'localhost'],
    ['https://localhost/admin', 'evil'],
    ['http://localhost@evil/admin', 'localhost'],
    ['http://localhost:80@evil/admin', 'localhost'],
    ['http://user:secret@localhost/admin', 'localhost'],
    ['http://localhost.evil/admin', 'localhost'],
    ['http://evil.localhost/admin', 'localhost'],
    ['http://localhost%2eevil/admin', 'localhost'],
    ['http://localhost%00/admin', 'localhost'],
    ['http://localhost,evil/admin', 'localhost'],
    ['http://localhost\\@evil/admin', 'localhost'],
    ['http://[::1]/admin', 'localhost'],
    ['http://127.0.0.1/admin', 'localhost'],
    ['http://localhost:8443/admin', 'localhost'],
    ['http://localhost/admin', 'localhost:8443'],
    ['http://localhost:80/admin', 'localhost:81'],
    ['https://localhost/admin', 'localhost:80'],
    ['http://localhost:/admin', 'localhost'],
    ['http://:80/admin', 'localhost'],
    ['http://localhost..\u00e9/admin', 'localhost'],
  ];
  for (const [target, host] of MISMATCHES) {
    test(`C-095 ${escaped(target)} with Host: ${host} is host_mismatch`, async () => {
      const request = withToken({ target, headers: ['Host', host] });
      await order.refused('host_mismatch', () => order.send(request), ['user:secret']);
    });
  }

  test('C-095 without any Host it is host_invalid', async () => {
    const head = `GET http://localhost/admin HTTP/1.1\r\nAuthorization: Bearer ${order.userToken()}\r\n\r\n`;
    await order.refused('host_invalid', () => sendBytes(order.wire(), Buffer.from(head)));
  });

  for (const [target, host] of [
    ['http://localhost/admin?a=b', 'localhost'],
    ['http://localhost:80/admin?a=b', 'LocalHost'],
    ['https://LOCALHOST./admin?a=b', 'localhost:443'],
    ['https://localhost:8443/admin?a=b', 'localhost:8443'],
  ] as const) {
    test(`C-095 ${target} with Host: ${host} reaches the app in origin form`, async () => {
      const answer = await order.send(withToken({ target, headers: ['Host', host] }));
      assert.deepEqual([answer.status, order.app.seen.at(-1)?.url], [200, '/admin?a=b']);
    });
  }
});

test('what the refusals above count moves when a request is allowed', async () => {
  const before = order.app.received;
  assert.equal((await order.send(withToken({ target: '/admin' }))).status, 200);
  assert.ok(order.app.received > before);
});

function escaped(target: string): string {
  return JSON.stringify(target)
    .slice(1, -1)
    .replaceAll(/[^\x20-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

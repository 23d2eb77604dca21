/** Corpus F, 144, 146 and 147: several requests on one connection, halves of one, and bodies that nobody has agreed to take. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { startHandlerApp } from '../support/handler-app.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { until } from '../support/until.ts';
import { sendBytes } from '../support/wire.ts';

const POLICY = `package order

import rego.v1

default allow := false

allow if input.request.path != "/forbidden"
`;

let ingress: Ingress;
before(async () => {
  ingress = await startIngress({
    proxy: '  authz: { policy_query: data.order.allow }',
    files: { '/etc/authz/policies/order.rego': POLICY },
  });
});
after(() => ingress[Symbol.asyncDispose]());

const head = (target: string, fields = '', method = 'GET', token: string | undefined = ingress.token()): string =>
  `${method} ${target} HTTP/1.1\r\nHost: a\r\n${token === '' ? '' : `Authorization: Bearer ${token}\r\n`}${fields}\r\n`;
const CLOSE = 'Connection: close\r\n';

const statuses = (raw: string): number[] =>
  [...raw.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

describe('requests behind each other', () => {
  const smuggled = (): string => head('/smuggled');
  const ROWS: readonly (readonly [title: string, texts: () => string[], statuses: number[], urls: string[]])[] = [
    ['denied, then allowed', () => [head('/forbidden'), head('/b', CLOSE)], [403, 200], ['/b']],
    ['allowed, then denied', () => [head('/a'), head('/forbidden', CLOSE)], [200, 403], ['/a']],
    ['without a token, then allowed', () => [head('/a', '', 'GET', ''), head('/b', CLOSE)], [401, 200], ['/b']],
    ['allowed, then without a token', () => [head('/a'), head('/b', CLOSE, 'GET', '')], [200, 401], ['/a']],
    [
      'denied with a body that is a request',
      () => {
        const body = smuggled();
        return [head('/forbidden', `Content-Length: ${body.length}\r\n`, 'POST'), body, head('/b', CLOSE)];
      },
      [403, 200],
      ['/b'],
    ],
    [
      'denied with chunks that are a request',
      () => {
        const body = smuggled();
        const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
        return [head('/forbidden', 'Transfer-Encoding: chunked\r\n', 'POST'), chunks, head('/b', CLOSE)];
      },
      [403, 200],
      ['/b'],
    ],
    [
      'allowed with a body that is a request',
      () => {
        const body = smuggled();
        return [head('/a', `Content-Length: ${body.length}\r\n`, 'POST'), body, head('/forbidden', CLOSE)];
      },
      [200, 403],
      ['/a'],
    ],
    ['a path that is ambiguous, and nothing behind it', () => [head('//a'), smuggled()], [400], []],
    [
      'two framings, and nothing behind them',
      () => [head('/a', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', 'POST'), '0\r\n\r\n', smuggled()],
      [400],
      [],
    ],
    [
      'a look-alike of the length, and nothing behind it',
      () => [head('/a', 'Content_Length: 5\r\n', 'POST'), smuggled()],
      [400],
      [],
    ],
    [
      'an early request, and then an allowed one',
      () => [head('/a', 'Early-Data: 1\r\n'), head('/b', CLOSE)],
      [425, 200],
      ['/b'],
    ],
    ['CONNECT, and nothing behind it', () => [head('a:443', '', 'CONNECT'), smuggled()], [405], []],
    [
      'an upgrade, and nothing behind it',
      () => [head('/a', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'), smuggled()],
      [400],
      [],
    ],
    [
      'a bad trailer, and nothing behind it',
      () => [head('/a', 'Transfer-Encoding: chunked\r\n', 'POST'), '0\r\nHost: b\r\n\r\n', smuggled()],
      [400],
      [],
    ],
  ];
  for (const [title, texts, expected, urls] of ROWS) {
    test(`C-146 ${title}`, async () => {
      const before = { seen: ingress.app.seen.length, audit: ingress.sidecar.audit.length };
      const { raw } = await sendBytes(ingress.wire, Buffer.from(texts().join(''), 'latin1'));
      assert.deepEqual(statuses(raw), expected, raw);
      assert.deepEqual(
        ingress.app.seen.slice(before.seen).map(({ url }) => url),
        urls,
      );
      const records = ingress.sidecar.audit.slice(before.audit);
      assert.deepEqual(
        records.map(({ status }) => status),
        expected,
      );
      assert.deepEqual(
        records.map(({ decision }) => decision),
        expected.map((status) => (status === 200 ? 'allow' : 'deny')),
      );
    });
  }
});

describe('a request that ends before its end', () => {
  const HALVES: readonly (readonly [where: string, fields: string, sent: string])[] = [
    ['inside a chunk', 'Transfer-Encoding: chunked', '5\r\nhel'],
    ['behind the data of a chunk', 'Transfer-Encoding: chunked', '5\r\nhello'],
    ['between the CR and the LF of a chunk', 'Transfer-Encoding: chunked', '5\r\nhello\r'],
    ['between two chunks', 'Transfer-Encoding: chunked', '5\r\nhello\r\n'],
    ['inside a chunk size', 'Transfer-Encoding: chunked', '5\r\nhello\r\n1'],
    ['inside a chunk extension', 'Transfer-Encoding: chunked', '5\r\nhello\r\n5;a='],
    ['behind the last chunk', 'Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n'],
    ['inside a trailer', 'Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\nX-A: b'],
    ['behind a trailer', 'Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\nX-A: b\r\n'],
    ['inside its length', 'Content-Length: 10', 'hello'],
    ['before a byte of its length', 'Content-Length: 10', ''],
    ['a byte before its length', 'Content-Length: 6', 'hello'],
  ];
  for (const [where, fields, sent] of HALVES) {
    test(`C-144 ${where}: the service sees an abort, never a whole body`, async () => {
      const outcome = { begun: false, aborted: false, complete: false };
      await using app = await startHandlerApp((request, response) => {
        outcome.begun = true;
        request.on('error', () => undefined).resume();
        request.on('close', () => {
          outcome.complete = request.complete;
        });
        response.on('close', () => {
          outcome.aborted = !response.writableFinished;
        });
      });
      await using broken = await startIngress({ upstreamPort: app.port, env: { AUTHZ_PROXY_UPSTREAM_TIMEOUT: '5s' } });
      const socket = net.connect(broken.wire.port, '127.0.0.1');
      socket.on('error', () => undefined);
      const credential = `Authorization: Bearer ${broken.token()}`;
      socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${credential}\r\n${fields}\r\n\r\n${sent}`);
      await until(() => outcome.begun);
      socket.end();
      await until(() => outcome.aborted && broken.sidecar.audit.length > 0);
      assert.deepEqual(outcome, { begun: true, aborted: true, complete: false });
      assert.deepEqual(
        broken.sidecar.audit.map(({ aborted }) => aborted),
        [true],
      );
    });
  }
});

describe('a body that waits to be asked for', () => {
  const expecting = (fields = ''): string => `Content-Length: 5\r\nExpect: 100-continue\r\n${fields}${CLOSE}`;
  const ROWS: readonly (readonly [title: string, text: () => string, status: number, code: string])[] = [
    ['without a token', () => head('/a', expecting(), 'POST', ''), 401, 'token_missing'],
    ['with a bad token', () => head('/a', expecting(), 'POST', 'x'), 401, 'token_malformed'],
    [
      'for another audience',
      () => head('/a', expecting(), 'POST', ingress.token({ aud: 'x' })),
      401,
      'token_aud_mismatch',
    ],
    [
      'that has expired',
      () => head('/a', expecting(), 'POST', ingress.token({ exp: 1, iat: 0 })),
      401,
      'token_expired',
    ],
    ['that the policy denies', () => head('/forbidden', expecting(), 'POST'), 403, 'policy_denied'],
    ['of an ambiguous path', () => head('//a', expecting(), 'POST'), 400, 'path_ambiguous'],
    [
      'of a look-alike header',
      () => head('/a', expecting('X_User_ID: admin\r\n'), 'POST'),
      400,
      'header_name_ambiguous',
    ],
    ['of two framings', () => head('/a', expecting('Transfer-Encoding: chunked\r\n'), 'POST'), 400, 'framing_invalid'],
    [
      'of another expectation',
      () => head('/a', expecting().replace('100-continue', 'x'), 'POST'),
      417,
      'expectation_failed',
    ],
    ['of two expectations', () => head('/a', expecting('Expect: 100-continue\r\n'), 'POST'), 417, 'expectation_failed'],
    ['that came early', () => head('/a', expecting('Early-Data: 1\r\n'), 'POST'), 425, 'too_early'],
    [
      'in chunks, without a token',
      () => head('/a', expecting().replace('Content-Length: 5', 'Transfer-Encoding: chunked'), 'POST', ''),
      401,
      'token_missing',
    ],
  ];
  for (const [title, text, status, code] of ROWS) {
    test(`C-147 ${title}: ${status} ${code} and no 100`, async () => {
      const before = { seen: ingress.app.seen.length, audit: ingress.sidecar.audit.length };
      const { raw } = await sendBytes(ingress.wire, Buffer.from(text()));
      assert.deepEqual(statuses(raw), [status], raw);
      assert.equal(ingress.app.seen.length, before.seen);
      assert.deepEqual(
        ingress.sidecar.audit.slice(before.audit).map((record) => [record['decision'], record['code']]),
        [['deny', code]],
      );
    });
  }
});

/** Corpus F over raw sockets: where a message ends, refused wherever two programs could disagree. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { sendBytes, type WireAnswer } from '../support/wire.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

let order: OrderSidecar;
before(async () => {
  order = await startOrderSidecar();
});
after(() => order[Symbol.asyncDispose]());

/** `{auth}` in the text becomes a good Host and a good token. */
function sendRaw(text: string): Promise<WireAnswer> {
  const credentials = `Host: localhost\r\nAuthorization: Bearer ${order.userToken()}\r\n`;
  return sendBytes(order.wire(), Buffer.from(text.replace('{auth}', credentials), 'latin1'));
}

const post = (fields: string, body: string, version = '1.1') =>
  `POST / HTTP/${version}\r\n{auth}${fields}\r\n\r\n${body}`;
const chunked = (body: string) => post('Transfer-Encoding: chunked', body);
const LAST = '0\r\n\r\n';

type Row = readonly [title: string, code: ProblemCode, bytes: string];

const LENGTHS: readonly Row[] = [
  [
    'C-133 Content-Length before Transfer-Encoding',
    'framing_invalid',
    post('Content-Length: 5\r\nTransfer-Encoding: chunked', LAST),
  ],
  [
    'C-133 Transfer-Encoding before Content-Length',
    'framing_invalid',
    post('Transfer-Encoding: chunked\r\nContent-Length: 5', LAST),
  ],
  ['C-134 the same length twice', 'framing_invalid', post('Content-Length: 5\r\nContent-Length: 5', 'hello')],
  ['C-134 two lengths', 'framing_invalid', post('Content-Length: 5\r\nContent-Length: 6', 'hello!')],
  ['C-134 a list of lengths', 'framing_invalid', post('Content-Length: 5, 5', 'hello')],
  ['C-135 a signed length', 'framing_invalid', post('Content-Length: +5', 'hello')],
  ['C-135 a hexadecimal length', 'framing_invalid', post('Content-Length: 0x5', 'hello')],
  ['C-135 an empty length', 'framing_invalid', post('Content-Length: ', 'hello')],
  ['C-135 a length of 2 to the 64th', 'framing_invalid', post('Content-Length: 18446744073709551616', 'hello')],
  ['C-136 xchunked', 'framing_invalid', post('Transfer-Encoding: xchunked', LAST)],
  ['C-136 identity', 'framing_invalid', post('Transfer-Encoding: identity', LAST)],
  ['C-136 chunked, identity', 'framing_invalid', post('Transfer-Encoding: chunked, identity', LAST)],
  ['C-136 identity, chunked', 'framing_invalid', post('Transfer-Encoding: identity, chunked', LAST)],
  ['C-136 chunked, chunked', 'framing_invalid', post('Transfer-Encoding: chunked, chunked', LAST)],
  [
    'C-136 two lines of chunked',
    'framing_invalid',
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', LAST),
  ],
  ['C-136 an empty member before chunked', 'framing_invalid', post('Transfer-Encoding: ,chunked', LAST)],
  ['C-136 an empty Transfer-Encoding', 'framing_invalid', post('Transfer-Encoding: ', LAST)],
  ['C-137 gzip, chunked', 'transfer_encoding_unsupported', post('Transfer-Encoding: gzip, chunked', LAST)],
  [
    'C-137 gzip and chunked on two lines',
    'transfer_encoding_unsupported',
    post('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked', LAST),
  ],
  ['C-138 Transfer-Encoding on HTTP/1.0', 'framing_invalid', post('Transfer-Encoding: chunked', LAST, '1.0')],
  ['C-139 a vertical tab before chunked', 'framing_invalid', post('Transfer-Encoding:\x0bchunked', LAST)],
];

const LINES: readonly Row[] = [
  ['C-124 white space before the colon', 'framing_invalid', 'GET / HTTP/1.1\r\n{auth}Name : v\r\n\r\n'],
  ['C-125 an empty header name', 'framing_invalid', 'GET / HTTP/1.1\r\n{auth}: v\r\n\r\n'],
  ['C-140 a folded line', 'framing_invalid', 'GET / HTTP/1.1\r\n{auth}X-A: a\r\n b\r\n\r\n'],
  ['C-140 a first header line that starts with a space', 'framing_invalid', 'GET / HTTP/1.1\r\n X-A: a\r\n{auth}\r\n'],
  ['C-141 a bare LF after the request line', 'framing_invalid', 'GET / HTTP/1.1\n{auth}\r\n'],
  ['C-141 a bare LF after a header', 'framing_invalid', 'GET / HTTP/1.1\r\nX-A: a\n{auth}\r\n'],
  ['C-141 a bare CR in a header', 'framing_invalid', 'GET / HTTP/1.1\r\n{auth}X-A: a\rX-B: b\r\n\r\n'],
  ['C-141 a CR that ends no header block', 'framing_invalid', 'GET / HTTP/1.1\r\n{auth}\rX'],
  ['C-156 HTTP/2.0', 'http_version_unsupported', 'GET / HTTP/2.0\r\n{auth}\r\n'],
  ['C-156 HTTP/1.2', 'http_version_unsupported', 'GET / HTTP/1.2\r\n{auth}\r\n'],
  ['C-156 the preface of HTTP/2', 'framing_invalid', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['C-157 a request line without a version', 'framing_invalid', 'GET /\r\n\r\n'],
  ['C-157 HTTP/0.9 by name', 'framing_invalid', 'GET / HTTP/0.9\r\n{auth}\r\n'],
  ['bytes that are no HTTP at all', 'framing_invalid', '\x16\x03\x01\x02\x00\x01\x00\x01'],
];

const CHUNKS: readonly Row[] = [
  ['C-142 20 KB of chunk extension', 'body_too_large', chunked(`5;a=${'b'.repeat(20_480)}\r\nhello\r\n${LAST}`)],
  ['C-143 a chunk size that ends in a bare LF', 'framing_invalid', chunked(`5\nhello\r\n${LAST}`)],
  ['C-143 a space after the chunk size', 'framing_invalid', chunked(`5 \r\nhello\r\n${LAST}`)],
  ['C-143 a chunk size of 0x5', 'framing_invalid', chunked(`0x5\r\nhello\r\n${LAST}`)],
  ['C-143 a chunk size of 0_2e', 'framing_invalid', chunked(`0_2e\r\nhello\r\n${LAST}`)],
  ['C-143 a chunk without its CRLF', 'framing_invalid', chunked(`5\r\nhello${LAST}`)],
];

for (const [theme, rows] of Object.entries({ lengths: LENGTHS, lines: LINES, chunks: CHUNKS })) {
  describe(`refused ${theme}`, () => {
    for (const [title, code, bytes] of rows) {
      test(`${title} is ${code}`, async () => {
        await order.refused(code, () => sendRaw(bytes));
      });
    }
  });
}

describe('upgrades', () => {
  const h2c = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA';
  const ROWS: readonly Row[] = [
    [
      'C-151 a WebSocket',
      'upgrade_not_allowed',
      'GET / HTTP/1.1\r\n{auth}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    ],
    ['C-153 h2c', 'upgrade_not_allowed', `GET / HTTP/1.1\r\n{auth}${h2c}\r\n\r\n`],
    [
      'C-154 an upgrade with a body',
      'upgrade_not_allowed',
      post('Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5', 'hello'),
    ],
    [
      'C-154 bytes after the upgrade',
      'upgrade_not_allowed',
      'GET / HTTP/1.1\r\n{auth}Connection: Upgrade\r\nUpgrade: x\r\n\r\nGET /b HTTP/1.1\r\n\r\n',
    ],
    ['C-099 CONNECT', 'method_not_allowed', 'CONNECT localhost:80 HTTP/1.1\r\n{auth}\r\n'],
    [
      'C-099 CONNECT with bytes after it',
      'method_not_allowed',
      'CONNECT localhost:80 HTTP/1.1\r\n{auth}\r\nGET / HTTP/1.1\r\n\r\n',
    ],
  ];
  for (const [title, code, bytes] of ROWS) {
    test(`${title} is ${code}, and nothing is tunnelled`, async () => {
      await order.refused(code, () => sendRaw(bytes));
    });
  }

  test('Upgrade without Connection: Upgrade asks for nothing, and does not reach the app', async () => {
    const answer = await sendRaw('GET / HTTP/1.1\r\n{auth}Upgrade: websocket\r\nConnection: close\r\n\r\n');
    assert.equal(answer.status, 200);
    assert.ok(!order.app.seen.at(-1)?.rawHeaders.some((text) => text.toLowerCase() === 'upgrade'));
  });
});

describe('accepted', () => {
  test('C-142 a short chunk extension ends here, and the body arrives whole', async () => {
    const answer = await sendRaw(post('Connection: close\r\nTransfer-Encoding: CHUNKED', `5;a=b\r\nhello\r\n${LAST}`));
    assert.deepEqual([answer.status, order.app.seen.at(-1)?.body], [200, 'hello']);
  });

  test('C-145 request trailers never reach the app as headers or trailers', async () => {
    const trailers = 'X-User-Id: admin\r\nAuthorization: Bearer x\r\n';
    const answer = await sendRaw(
      post(
        'Connection: close\r\nTrailer: X-User-Id\r\nTransfer-Encoding: chunked',
        `5\r\nhello\r\n0\r\n${trailers}\r\n`,
      ),
    );
    const seen = order.app.seen.at(-1);
    assert.deepEqual([answer.status, seen?.body], [200, 'hello']);
    assert.ok(!JSON.stringify(seen).includes('admin'));
  });

  test('C-124 white space after a value is trimmed', async () => {
    await sendRaw('GET / HTTP/1.1\r\n{auth}X-Custom: \t v \t\r\nConnection: close\r\n\r\n');
    const { rawHeaders = [] } = order.app.seen.at(-1) ?? {};
    assert.equal(rawHeaders[rawHeaders.indexOf('X-Custom') + 1], 'v');
  });
});

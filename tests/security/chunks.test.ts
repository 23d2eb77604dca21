/** Corpus F over raw sockets: chunks, their extensions, and what comes behind the last one. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';
import { chunked, LAST, post, type RawRow, refusesAll, sendRaw } from './raw-requests.ts';

let order: OrderSidecar;
before(async () => {
  order = await startOrderSidecar();
});
after(() => order[Symbol.asyncDispose]());

const NO_SIZES = [
  '',
  '+5',
  '-5',
  ' 5',
  '5\t',
  '5 ',
  '0x',
  '0_',
  '5,5',
  '5h',
  '5\0',
  '5\xa0',
  'g',
  '5\r',
  '5.0',
  '00000000000005',
  'F'.repeat(17),
  '\r',
];
const NO_EXTENSIONS = [
  ';',
  ';;a',
  ';a=',
  ' ;a',
  '; a',
  ';a b',
  ';a="b',
  ';a=b"',
  ';"a"',
  ';a=b;',
  ';a\nb',
  ';a\rb',
  ';\0',
  ';a="b\x7f"',
  ';\xe9',
  ';a="\r\n"',
];
const NO_CHUNK_ENDS = [
  '5\r\nhello',
  '5\r\nhell',
  '5\r\nhelloX',
  '5\r\nhello\n',
  '5\r\nhello\r',
  '5\r\nhello\r\n\r\n',
  '5\r\nhello\n\r\n',
  '5\nhello\n',
  '5\rhello\r',
];
const NO_TRAILERS = [
  'noname',
  'X A: b',
  ' X-A: b',
  ': b',
  'X-A: \0',
  'X-A: a\rb',
  'X-A: a\nX-B: b',
  'X-A : b',
  'X-A: a\r\n b',
];
const FORBIDDEN_TRAILERS = [
  'Content-Length: 5',
  'Transfer-Encoding: chunked',
  'transfer-encoding: identity',
  'Host: evil',
  'Trailer: X-A',
  'TE: trailers',
  'Connection: close',
  'Keep-Alive: 1',
  'Upgrade: websocket',
  'Content-Type: text/html',
  'Content-Encoding: gzip',
  'Content-Range: bytes 0-1/2',
  'Expect: 100-continue',
  'X-A: a\r\nContent-Length: 5',
];

const CHUNKS: readonly RawRow[] = [
  ...NO_EXTENSIONS.map(
    (text): RawRow => [
      `C-142 a chunk extension of ${JSON.stringify(text)}`,
      'framing_invalid',
      chunked(`5${text}\r\nhello\r\n${LAST}`),
    ],
  ),
  [
    'C-142 20 KB of chunk extensions, 4 KB each',
    'body_too_large',
    chunked(`${`1;a=${'b'.repeat(4_000)}\r\nh\r\n`.repeat(5)}${LAST}`),
  ],
  [
    'C-142 64 KB of chunk extensions, 64 bytes each',
    'body_too_large',
    chunked(`${`1;a=${'b'.repeat(60)}\r\nh\r\n`.repeat(1_000)}${LAST}`),
  ],
  ['C-142 20 KB of extension at the last chunk', 'body_too_large', chunked(`0;a=${'b'.repeat(20_480)}\r\n\r\n`)],
  ...NO_SIZES.map(
    (size): RawRow => [
      `C-143 a chunk size of ${JSON.stringify(size)}`,
      'framing_invalid',
      chunked(`${size}\r\nhello\r\n${LAST}`),
    ],
  ),
  ...NO_CHUNK_ENDS.map(
    (text): RawRow => [`C-143 a chunk of ${JSON.stringify(text)}`, 'framing_invalid', chunked(`${text}${LAST}`)],
  ),
  ['C-143 a last chunk that ends in bare LF', 'framing_invalid', chunked('5\r\nhello\r\n0\n\n')],
  ['C-143 an end in bare LF', 'framing_invalid', chunked('5\r\nhello\r\n0\r\n\n')],
  ...NO_TRAILERS.map(
    (line): RawRow => [
      `C-145 a trailer of ${JSON.stringify(line)}`,
      'framing_invalid',
      chunked(`5\r\nhello\r\n0\r\n${line}\r\n\r\n`),
    ],
  ),
  ...FORBIDDEN_TRAILERS.map(
    (line): RawRow => [
      `C-145 the trailer ${JSON.stringify(line)}`,
      'framing_invalid',
      chunked(`5\r\nhello\r\n0\r\n${line}\r\n\r\n`),
    ],
  ),
  ['C-145 20 KB of trailers', 'body_too_large', chunked(`0\r\n${`X-A: ${'a'.repeat(100)}\r\n`.repeat(200)}\r\n`)],
  ['C-142 20 KB of chunk extension', 'body_too_large', chunked(`5;a=${'b'.repeat(20_480)}\r\nhello\r\n${LAST}`)],
  ['C-143 a chunk size that ends in a bare LF', 'framing_invalid', chunked(`5\nhello\r\n${LAST}`)],
  ['C-143 a space after the chunk size', 'framing_invalid', chunked(`5 \r\nhello\r\n${LAST}`)],
  ['C-143 a chunk size of 0x5', 'framing_invalid', chunked(`0x5\r\nhello\r\n${LAST}`)],
  ['C-143 a chunk size of 0_2e', 'framing_invalid', chunked(`0_2e\r\nhello\r\n${LAST}`)],
  ['C-143 a chunk without its CRLF', 'framing_invalid', chunked(`5\r\nhello${LAST}`)],
];

describe('refused chunks', () => refusesAll(CHUNKS, () => order));

describe('accepted', () => {
  test('C-142 extensions as others send them end here', async () => {
    const extensions = [';a', ';a=b', ';a="b;c=\\"d\\""', `;chunk-signature=${'0'.repeat(64)}`, ';a;b=c;d="e"'];
    const body = extensions.map((text) => `1${text}\r\nh\r\n`).join('');
    const answer = await sendRaw(order, post('Connection: close\r\nTransfer-Encoding: chunked', `${body}${LAST}`));
    assert.deepEqual([answer.status, order.app.seen.at(-1)?.body], [200, 'hhhhh']);
  });

  test('C-142 a short chunk extension ends here, and the body arrives whole', async () => {
    const answer = await sendRaw(
      order,
      post('Connection: close\r\nTransfer-Encoding: CHUNKED', `5;a=b\r\nhello\r\n${LAST}`),
    );
    assert.deepEqual([answer.status, order.app.seen.at(-1)?.body], [200, 'hello']);
  });

  test('C-145 request trailers never reach the app as headers or trailers', async () => {
    const trailers = 'X-User-Id: admin\r\nAuthorization: Bearer x\r\nCookie: session=admin\r\n';
    const answer = await sendRaw(
      order,
      post(
        'Connection: close\r\nTrailer: X-User-Id\r\nTransfer-Encoding: chunked',
        `5\r\nhello\r\n0\r\n${trailers}\r\n`,
      ),
    );
    const seen = order.app.seen.at(-1);
    assert.deepEqual([answer.status, seen?.body], [200, 'hello']);
    assert.ok(!JSON.stringify(seen).includes('admin'));
  });
});

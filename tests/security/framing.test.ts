/** Corpus F over raw sockets: where a message ends, refused wherever two programs could disagree. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';
import { LAST, post, type RawRow, refusesAll, sendRaw } from './raw-requests.ts';

let order: OrderSidecar;
before(async () => {
  order = await startOrderSidecar();
});
after(() => order[Symbol.asyncDispose]());

const NO_LENGTHS = [
  '-5',
  '5 5',
  '5.0',
  '5e0',
  '0b101',
  '5,',
  ',5',
  '5;',
  '"5"',
  'NaN',
  '5\x0b',
  '\x0b5',
  '5\0',
  '5\xa0',
  '\xb5',
];
const NO_CODINGS = [
  'chunked;q=1',
  '"chunked"',
  'chunked,',
  'chunked chunked',
  'c hunked',
  'chunked;',
  'chunked, gzip',
  'gzip',
  'deflate',
  'trailers',
  ', gzip, chunked',
  'gzip,,chunked',
  'gzip;q=1, chunked',
  '"gzip", chunked',
  'chunked, identity, chunked',
];
/** What is no blank to HTTP, although programs skip it. */
const NO_BLANKS = ['\x0b', '\x0c', '\x00', '\xa0', '\x85', '\x1c', '\x08', '\x7f'];

const LENGTHS: readonly RawRow[] = [
  ...NO_LENGTHS.map(
    (value): RawRow => [
      `C-135 a length of ${JSON.stringify(value)}`,
      'framing_invalid',
      post(`Content-Length: ${value}`, 'hello'),
    ],
  ),
  ['C-135 a length of 16 digits', 'framing_invalid', post(`Content-Length: ${'1'.repeat(16)}`, 'hello')],
  ['C-135 a folded length', 'framing_invalid', post('Content-Length:\r\n 5', 'hello')],
  ...NO_CODINGS.map(
    (value): RawRow => [
      `C-136 ${value}`,
      'framing_invalid',
      post(`Transfer-Encoding: ${value}`, `5\r\nhello\r\n${LAST}`),
    ],
  ),
  ...NO_BLANKS.flatMap((blank): RawRow[] => [
    [
      `C-139 ${JSON.stringify(blank)} before chunked`,
      'framing_invalid',
      post(`Transfer-Encoding:${blank}chunked`, LAST),
    ],
    [
      `C-139 ${JSON.stringify(blank)} behind chunked`,
      'framing_invalid',
      post(`Transfer-Encoding: chunked${blank}`, LAST),
    ],
    [
      `C-139 ${JSON.stringify(blank)} in the name`,
      'framing_invalid',
      post(`Transfer-Encoding${blank}: chunked\r\nContent-Length: 5`, 'hello'),
    ],
  ]),
  [
    'C-133 no length beside Transfer-Encoding',
    'framing_invalid',
    post('Content-Length: 0\r\nTransfer-Encoding: chunked', LAST),
  ],
  [
    'C-133 Content-Length beside a coding that is unknown',
    'framing_invalid',
    post('Content-Length: 5\r\nTransfer-Encoding: xchunked', 'hello'),
  ],
  [
    'C-133 a blank before the colon of one of them',
    'framing_invalid',
    post('Transfer-Encoding : chunked\r\nContent-Length: 5', 'hello'),
  ],
  [
    'C-133 Transfer_Encoding beside Content-Length',
    'header_name_ambiguous',
    post('Content-Length: 5\r\nTransfer_Encoding: chunked', 'hello'),
  ],
  [
    'C-133 Content_Length beside Content-Length',
    'header_name_ambiguous',
    post('Content-Length: 5\r\nContent_Length: 50', 'hello'),
  ],
  [
    'C-133 Transfer.Encoding',
    'header_name_ambiguous',
    post('Content-Length: 5\r\nTransfer.Encoding: chunked', 'hello'),
  ],
  ['C-134 the same length in two cases', 'framing_invalid', post('Content-Length: 5\r\ncontent-length: 5', 'hello')],
  ['C-134 none and a length', 'framing_invalid', post('Content-Length: 0\r\nContent-Length: 5', 'hello')],
  [
    'C-134 three lengths',
    'framing_invalid',
    post('Content-Length: 5\r\nX: a\r\nContent-Length: 5\r\nContent-Length: 5', 'hello'),
  ],
  ['C-137 compress, chunked', 'transfer_encoding_unsupported', post('Transfer-Encoding: compress, chunked', LAST)],
  [
    'C-137 an unknown coding before chunked',
    'transfer_encoding_unsupported',
    post('Transfer-Encoding: x, chunked', LAST),
  ],
  [
    'C-138 with a length on HTTP/1.0',
    'framing_invalid',
    post('Transfer-Encoding: chunked\r\nContent-Length: 5', LAST, '1.0'),
  ],
  ['C-138 identity on HTTP/1.0', 'framing_invalid', post('Transfer-Encoding: identity', 'hello', '1.0')],
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

describe('refused lengths', () => refusesAll(LENGTHS, () => order));

describe('upgrades', () => {
  const h2c = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA';
  const ROWS: readonly RawRow[] = [
    [
      'C-151 a WebSocket',
      'upgrade_not_allowed',
      'GET / HTTP/1.1\r\n{auth}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    ],
    ['C-153 h2c', 'upgrade_not_allowed', `GET / HTTP/1.1\r\n{auth}${h2c}\r\n\r\n`],
    ['C-153 h2c that Connection does not name', 'upgrade_not_allowed', 'GET / HTTP/1.1\r\n{auth}Upgrade: h2c\r\n\r\n'],
    ...['h2', 'H2C', 'h2c, websocket', 'websocket, h2c', 'h2c;q=1', 'TLS/1.0', 'HTTP/2.0', 'x', ''].map(
      (protocol): RawRow => [
        `C-153 an upgrade to ${protocol}`,
        'upgrade_not_allowed',
        `GET / HTTP/1.1\r\n{auth}Connection: keep-alive, Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`,
      ],
    ),
    [
      'C-151 a WebSocket that Connection names in other words',
      'connection_option_forbidden',
      'GET / HTTP/1.1\r\n{auth}Connection: "Upgrade"\r\nUpgrade: websocket\r\n\r\n',
    ],
    [
      'C-154 a chunked upgrade',
      'upgrade_not_allowed',
      post('Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked', LAST),
    ],
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
  refusesAll(ROWS, () => order);

  test('Upgrade without Connection: Upgrade asks for nothing, and does not reach the app', async () => {
    const answer = await sendRaw(order, 'GET / HTTP/1.1\r\n{auth}Upgrade: websocket\r\nConnection: close\r\n\r\n');
    assert.equal(answer.status, 200);
    assert.ok(!order.app.seen.at(-1)?.rawHeaders.some((text) => text.toLowerCase() === 'upgrade'));
  });
});

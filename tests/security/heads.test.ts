/** Corpus E and F over raw sockets: bytes that are no request head. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';
import { LAST, post, type RawRow, refusesAll, sendRaw } from './raw-requests.ts';

let order: OrderSidecar;
before(async () => {
  order = await startOrderSidecar();
});
after(() => order[Symbol.asyncDispose]());

const NO_NAMES = [
  'X-A\t',
  'X A',
  '(X)',
  '"X"',
  'X\0',
  '\xe9',
  '@',
  'X[]',
  'X/A',
  'X,',
  'X=',
  '{X}',
  'X\r',
  '\x7f',
  'X;',
];
const NO_VALUES = [
  'a\0b',
  'a\x01b',
  'a\x0bb',
  'a\x0cb',
  '\x1b[31m',
  'a\x7fb',
  'a\rb',
  'a\nb',
  'a\r\rb',
  '\r',
  'a\n\r\nb: c',
];
const NO_VERSIONS = [
  'HTTP/1',
  'HTTP/1.10',
  'HTTP/01.1',
  'http/1.1',
  'HTTP/1,1',
  'HTTP/+1.1',
  'HTTPS/1.1',
  'HTTP/1.1 x',
  'HTTP/1.1\t',
  'HTTP/2',
  'HTTP/1.1\x0b',
  'HTTP 1.1',
  'HTTP/1.x',
  'ICY/1.1',
];
const NO_REQUEST_LINES = [
  'GET',
  'GET /',
  'GET / ',
  ' GET / HTTP/1.1',
  'GET  / HTTP/1.1',
  'GET /  HTTP/1.1',
  'GET\t/ HTTP/1.1',
  'GET /\x0b HTTP/1.1',
  'G\0T / HTTP/1.1',
  'get / HTTP/1.1',
  '\nGET / HTTP/1.1',
  '\rGET / HTTP/1.1',
  '\r\n\r\nGET / HTTP/1.1',
  'GET / HTTP/1.1\r',
  'PRI / HTTP/1.1',
];

const LINES: readonly RawRow[] = [
  ...NO_NAMES.map(
    (name): RawRow => [
      `C-124 a name of ${JSON.stringify(name)}`,
      'framing_invalid',
      `GET / HTTP/1.1\r\n{auth}${name}: v\r\n\r\n`,
    ],
  ),
  ['C-124 a line without a colon', 'framing_invalid', 'GET / HTTP/1.1\r\n{auth}Name\r\n\r\n'],
  [
    'C-124 white space before the colon of Authorization',
    'framing_invalid',
    'GET / HTTP/1.1\r\nHost: a\r\nAuthorization : Bearer x\r\n\r\n',
  ],
  ['C-125 a colon and nothing else', 'framing_invalid', 'GET / HTTP/1.1\r\n{auth}:\r\n\r\n'],
  ['C-125 two colons', 'framing_invalid', 'GET / HTTP/1.1\r\n{auth}:: v\r\n\r\n'],
  ...NO_VALUES.map(
    (value): RawRow => [
      `C-141 a value of ${JSON.stringify(value)}`,
      'framing_invalid',
      `GET / HTTP/1.1\r\n{auth}X-A: ${value}\r\n\r\n`,
    ],
  ),
  ['C-140 a line folded by a tab', 'framing_invalid', 'GET / HTTP/1.1\r\n{auth}X-A: a\r\n\tb\r\n\r\n'],
  ['C-140 a line of one blank', 'framing_invalid', 'GET / HTTP/1.1\r\n{auth}X-A: a\r\n \r\n\r\n'],
  ['C-140 a folded Transfer-Encoding', 'framing_invalid', post('Transfer-Encoding:\r\n chunked', LAST)],
  ['C-141 two bare LF at the end', 'framing_invalid', 'GET / HTTP/1.1\n{auth}\n\n'],
  ['C-141 CR LF and a bare LF at the end', 'framing_invalid', 'GET / HTTP/1.1\r\n{auth}\n'],
  ['C-141 a bare LF and CR LF at the end', 'framing_invalid', 'GET / HTTP/1.1\r\n{auth}X-A: a\n\r\n'],
  ...NO_VERSIONS.map(
    (version): RawRow => [`C-156 ${JSON.stringify(version)}`, 'framing_invalid', `GET / ${version}\r\n{auth}\r\n`],
  ),
  ['C-156 HTTP/3.0', 'http_version_unsupported', 'GET / HTTP/3.0\r\n{auth}\r\n'],
  [
    'C-156 the preface of HTTP/2 with frames',
    'framing_invalid',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  ],
  ...NO_REQUEST_LINES.map(
    (line): RawRow => [`C-157 ${JSON.stringify(line)}`, 'framing_invalid', `${line}\r\n{auth}\r\n`],
  ),
  ['C-157 a request line that ends in a bare LF', 'framing_invalid', 'GET /\n\n'],
  ['the PROXY protocol', 'framing_invalid', 'PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET / HTTP/1.1\r\n{auth}\r\n'],
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

describe('refused heads', () => refusesAll(LINES, () => order));

describe('accepted', () => {
  test('C-124 white space after a value is trimmed', async () => {
    await sendRaw(order, 'GET / HTTP/1.1\r\n{auth}X-Custom: \t v \t\r\nConnection: close\r\n\r\n');
    const { rawHeaders = [] } = order.app.seen.at(-1) ?? {};
    assert.equal(rawHeaders[rawHeaders.indexOf('X-Custom') + 1], 'v');
  });
});

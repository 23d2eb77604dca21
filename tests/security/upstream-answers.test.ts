/** Corpus F, 149, 150 and 161: answers of a service that two programs could read differently, or that nobody asked for. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const GOOD = `${OK}Connection: close\r\nContent-Length: 5\r\n\r\nhello`;
const CANARY = 'canary-of-the-service';
const LAST = '0\r\n\r\n';

let upstream: RawUpstream;
let ingress: Ingress;
let answer = GOOD;
before(async () => {
  upstream = await startRawUpstream((socket) => socket.write(answer, 'latin1'));
  // What is tested here is not how fast this machine is.
  ingress = await startIngress({ upstreamPort: upstream.port, env: { AUTHZ_PROXY_UPSTREAM_TIMEOUT: '5s' } });
});
after(async () => {
  await ingress[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});
beforeEach(() => {
  answer = GOOD;
});

const framed = (fields: string, body = 'hello'): string => `${OK}X-Canary: ${CANARY}\r\n${fields}\r\n\r\n${body}`;
const chunked = (body: string): string => framed('Transfer-Encoding: chunked', body);
const NO_LENGTHS = [
  '',
  '+5',
  '-5',
  '0x5',
  '5.0',
  '5 5',
  '5,5',
  '5, 5',
  '5,',
  '"5"',
  '5\x0b',
  '5\xa0',
  '9'.repeat(17),
  'five',
];
const NO_CODINGS = [
  'gzip',
  'gzip, chunked',
  'chunked, chunked',
  'xchunked',
  'identity',
  'chunked, identity',
  '"chunked"',
];
const NO_CODINGS_EITHER = ['chunked;q=1', '\x0bchunked', 'chunked\xa0', ', chunked', 'chunked,', ''];
const NO_STATUS_LINES = [
  'HTTP/1.1 20',
  'HTTP/1.1 2000 OK',
  'HTTP/1.1 0200 OK',
  'HTTP/1.1 099 No',
  'HTTP/1.1 +20 OK',
  'HTTP/2.0 200 OK',
];
const NO_STATUS_LINES_EITHER = [
  'HTTP/1.1  200 OK',
  'HTTP/1.1\t200 OK',
  'http/1.1 200 OK',
  'HTTP/1.1 200\0OK',
  ' HTTP/1.1 200 OK',
  'HTTP/1.10 200 OK',
];
const NO_FIELDS = [
  'X-A : a',
  ': a',
  'X A: a',
  'X-A',
  ' X-A: a',
  'X-A: a\r\n b',
  'X-A: a\0b',
  'X-A: a\rb',
  'X-A: a\nX-B: b',
  'X\0: a',
  'X-A: \x7f',
];
const FORBIDDEN_TRAILERS = [
  'Content-Length: 5',
  'Transfer-Encoding: chunked',
  'Connection: close',
  'Host: evil',
  'Content-Type: a/b',
];

type Row = readonly [title: string, bytes: string];
const rows = (what: string, values: readonly string[], bytes: (value: string) => string): Row[] =>
  values.map((value) => [`${what} ${JSON.stringify(value)}`, bytes(value)]);

const AMBIGUOUS: readonly Row[] = [
  ['two framings', framed('Content-Length: 5\r\nTransfer-Encoding: chunked', LAST)],
  ['two framings, the other way', framed('Transfer-Encoding: chunked\r\nContent-Length: 5', LAST)],
  ['two framings, one of no length', framed('Content-Length: 0\r\nTransfer-Encoding: chunked', LAST)],
  ['the same length twice', framed('Content-Length: 5\r\nContent-Length: 5')],
  ['two lengths', framed('Content-Length: 5\r\nContent-Length: 6')],
  ['a length and none', framed('Content-Length: 5\r\nContent-Length: 0')],
  ['two codings', framed('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', LAST)],
  ['chunks on HTTP/1.0', framed('Transfer-Encoding: chunked', LAST).replace('HTTP/1.1', 'HTTP/1.0')],
  ...rows('the length', NO_LENGTHS, (value) => framed(`Content-Length: ${value}`)),
  ...rows('the coding', [...NO_CODINGS, ...NO_CODINGS_EITHER], (value) => framed(`Transfer-Encoding: ${value}`, LAST)),
  ...rows(
    'the status line',
    [...NO_STATUS_LINES, ...NO_STATUS_LINES_EITHER],
    (line) => `${line}\r\nContent-Length: 5\r\n\r\nhello`,
  ),
  ...rows('the field', NO_FIELDS, (line) => framed(`${line}\r\nContent-Length: 5`)),
  ...rows('the chunk', ['zz', '5 ', '0x5', '-5', '', '5;;', 'F'.repeat(17)], (size) =>
    chunked(`${size}\r\nhello\r\n${LAST}`),
  ),
  ...rows('the trailer', [...FORBIDDEN_TRAILERS, 'X A: b', 'X-A: \0'], (line) => chunked(`0\r\n${line}\r\n\r\n`)),
  ['a head that ends in bare line feeds', 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello'],
  ['201 header fields', framed(`${'X-A: a\r\n'.repeat(201)}Content-Length: 5`)],
  ['a head of 100 KB', framed(`X-A: ${'a'.repeat(100_000)}\r\nContent-Length: 5`)],
  ['Connection that takes the length away', framed('Connection: content-length\r\nContent-Length: 5')],
  ['Connection that is no list of names', framed('Connection: "close"\r\nContent-Length: 5')],
];
const UNASKED: readonly Row[] = [
  ['C-149 nine interim answers', `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(9)}${GOOD}`],
  ['C-149 1,000 interim answers', `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1_000)}${GOOD}`],
  ['C-149 100 that nobody waits for', `HTTP/1.1 100 Continue\r\n\r\n${GOOD}`],
  ['C-149 an interim answer with a bad field', `HTTP/1.1 103 Early Hints\r\nX A: a\r\n\r\n${GOOD}`],
  ['C-150 101', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw'],
  ['C-150 101 to nothing', 'HTTP/1.1 101 Switching Protocols\r\n\r\nraw'],
  [
    'C-150 101 behind an interim answer',
    `HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nraw`,
  ],
];

describe('an answer that is none', () => {
  for (const [title, bytes] of [...AMBIGUOUS.map(([what, text]): Row => [`C-161 ${what}`, text]), ...UNASKED]) {
    test(`${title} is bad_upstream_response, and nothing of it arrives`, async () => {
      const before = { audit: ingress.sidecar.audit.length, connections: upstream.connections.length };
      answer = bytes;
      const { status, body, raw } = await ingress.send({ target: '/first' });
      assert.deepEqual([status, (JSON.parse(body) as { code: string }).code], [502, 'bad_upstream_response'], raw);
      assert.ok(!raw.includes(CANARY) && !raw.includes('hello'), raw);
      assert.equal(raw.split('HTTP/1.1 ').length, 2);
      const records = ingress.sidecar.audit.slice(before.audit);
      assert.deepEqual(
        records.map((record) => [record['status'], record['code'], record['level']]),
        [[502, 'bad_upstream_response', 'error']],
      );
      answer = GOOD;
      const next = await ingress.send({ target: '/next' });
      assert.deepEqual([next.status, next.body], [200, 'hello'], 'the next one gets its own');
      assert.equal(upstream.connections.length, before.connections + 2, 'on another connection');
    });
  }

  test('C-161 the same head without a flaw arrives', async () => {
    for (const bytes of [
      framed('Connection: close\r\nContent-Length: 5'),
      chunked('5\r\nhello\r\n0\r\nX-Trailer: a\r\n\r\n'),
    ]) {
      answer = bytes;
      const { status, headers, raw } = await ingress.send();
      assert.deepEqual([status, headers['x-canary']], [200, CANARY]);
      assert.ok(!raw.includes('X-Trailer'));
    }
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ResponseParser, ResponseSyntaxError } from './response-parser.ts';

interface Read {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
  readonly keepAlive: boolean;
}

/** Feeds the pieces, then closes; undefined when the message never became complete. */
function read(pieces: readonly string[], method = 'GET', close = false): Read | undefined {
  let head: { status: number; headers: string[] } | undefined;
  let body = '';
  const parser = new ResponseParser({
    onHead: ({ status, fields }) => {
      assert.equal(head, undefined, 'one head');
      head = { status, headers: fields.lowerNames.flatMap((_, i) => [fields.name(i), fields.value(i)]) };
    },
    onBody: (bytes, start, end) => {
      body += bytes.toString('latin1', start, end);
    },
  });
  parser.begin(method);
  for (const piece of pieces) parser.feed(Buffer.from(piece, 'latin1'), piece.length);
  if (close) parser.finish();
  return head === undefined || !parser.complete ? undefined : { ...head, body, keepAlive: parser.keepAlive };
}

const HEAD = 'HTTP/1.1 200 OK\r\n';

describe('refused responses', () => {
  const ROWS: readonly (readonly [title: string, text: string])[] = [
    ['C-161 Content-Length beside Transfer-Encoding', `${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['C-161 two lengths', `${HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`],
    ['C-161 two equal lengths', `${HEAD}Content-Length: 5\r\ncontent-length: 5\r\n\r\n`],
    ['C-161 a list of lengths', `${HEAD}Content-Length: 5, 5\r\n\r\n`],
    ['a length with a sign', `${HEAD}Content-Length: +5\r\n\r\n`],
    ['a length in hexadecimal', `${HEAD}Content-Length: 0x5\r\n\r\n`],
    ['an empty length', `${HEAD}Content-Length:\r\n\r\n`],
    ['a length beyond 2^53', `${HEAD}Content-Length: 9999999999999999\r\n\r\n`],
    ['another transfer coding', `${HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n`],
    ['chunked twice', `${HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['chunked before a tab', `${HEAD}Transfer-Encoding: chunked\t\r\n\r\n`],
    ['a length behind a tab', `${HEAD}Content-Length:\t5\r\n\r\nhello`],
    ['chunked on HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['C-161 NUL in a value', `${HEAD}X: a\0b\r\n\r\n`],
    ['a bare line feed', 'HTTP/1.1 200 OK\nX: y\r\n\r\n'],
    ['a bare carriage return', `${HEAD}X: a\rb\r\n\r\n`],
    ['a folded line', `${HEAD}X: a\r\n b\r\n\r\n`],
    ['a blank before the colon', `${HEAD}X : a\r\n\r\n`],
    ['no name', `${HEAD}: a\r\n\r\n`],
    ['no colon', `${HEAD}X\r\n\r\n`],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 99 OK\r\n\r\n'],
    ['a status line with two blanks', 'HTTP/1.1  200 OK\r\n\r\n'],
    ['bytes before the status line', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['C-150 a switch of protocols that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['a 100 that nobody asked for', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['C-149 nine interim responses', `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(9)}${HEAD}\r\n`],
    ['a chunk size with a blank before it', `${HEAD}Transfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n`],
    ['a chunk size in another notation', `${HEAD}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n`],
    ['a chunk that is longer than its size', `${HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n`],
    ['a chunk size that ends in a bare line feed', `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`],
    ['a chunk size of 14 digits', `${HEAD}Transfer-Encoding: chunked\r\n\r\n10000000000000\r\n`],
    ['a malformed trailer', `${HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\nX y\r\n\r\n`],
    ['a head without end', `${HEAD}${'X: y\r\n'.repeat(20_000)}`],
    ['201 fields', `${HEAD}${'X: y\r\n'.repeat(201)}\r\n`],
    ['a chunk extension without end', `${HEAD}Transfer-Encoding: chunked\r\n\r\n5;${'x'.repeat(5_000)}`],
  ];
  for (const [title, text] of ROWS) {
    test(title, () => assert.throws(() => read([text], 'GET', true), ResponseSyntaxError));
    test(`${title}, byte by byte`, () => assert.throws(() => read(text.split(''), 'GET', true), ResponseSyntaxError));
  }

  for (const text of [
    `${HEAD}Content-Length: 5\r\n\r\nhell`,
    `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`,
    'HTTP/1.1 2',
  ]) {
    test(`a connection that ends inside ${JSON.stringify(text.slice(-12))}`, () => {
      assert.throws(() => read([text], 'GET', true), ResponseSyntaxError);
    });
  }
});

describe('responses', () => {
  const ROWS: readonly (readonly [
    title: string,
    text: string,
    expected: Partial<Read>,
    method?: string,
    close?: boolean,
  ])[] = [
    ['by length', `${HEAD}X: a b\r\nContent-Length: 5\r\n\r\nhello`, { status: 200, body: 'hello', keepAlive: true }],
    ['of no length at all', `${HEAD}Content-Length: 0\r\n\r\n`, { body: '', keepAlive: true }],
    [
      'in chunks, with extension and trailer',
      `${HEAD}Transfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n`,
      { body: 'hello!', keepAlive: true },
    ],
    ['until the end of the connection', `${HEAD}\r\nhello`, { body: 'hello', keepAlive: false }, 'GET', true],
    ['to HEAD, whatever length it names', `${HEAD}Content-Length: 5\r\n\r\n`, { body: '', keepAlive: true }, 'HEAD'],
    ['304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', { status: 304, body: '' }],
    [
      'after eight hints',
      `${'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'.repeat(8)}${HEAD}Content-Length: 0\r\n\r\n`,
      { status: 200 },
    ],
    ['that closes', `${HEAD}Connection: Close\r\nContent-Length: 0\r\n\r\n`, { keepAlive: false }],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', { keepAlive: false }],
    [
      'C-162 with bytes after its end',
      `${HEAD}Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n`,
      { body: 'ok', keepAlive: false },
    ],
    ['204 with a body that it cannot have', 'HTTP/1.1 204 No Content\r\n\r\nx', { body: '', keepAlive: false }],
    ['without a reason phrase', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', { status: 200 }],
  ];
  for (const [title, text, expected, method, close] of ROWS) {
    for (const pieces of [[text], text.split('')]) {
      test(`${title}, in ${pieces.length} pieces`, () => {
        const { headers: _, ...got } = read(pieces, method, close) ?? assert.fail('never complete');
        assert.deepEqual({ ...got, ...expected }, got);
      });
    }
  }

  test('fields keep their names, their order and their repeats', () => {
    const got = read([`${HEAD}Set-Cookie: a\r\nset-cookie:  b \r\nEmpty:\r\nContent-Length: 0\r\n\r\n`]);
    assert.deepEqual(got?.headers, ['Set-Cookie', 'a', 'set-cookie', 'b', 'Empty', '', 'Content-Length', '0']);
  });

  test('however the bytes are cut, the message is the same', () => {
    const text = `HTTP/1.1 103 Early Hints\r\n\r\n${HEAD}A: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\na;x\r\n0123456789\r\n0\r\nT: u\r\n\r\n`;
    const whole = read([text]);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const at = [...new Set([0, ...cuts, text.length])].sort((a, b) => a - b);
        const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
        assert.deepEqual(read(pieces), whole);
      }),
    );
  });

  test('bytes that are no response are an error of this kind and of no other', () => {
    const line = fc.constantFrom(
      'HTTP/1.1 200 OK',
      'Content-Length: 3',
      'Transfer-Encoding: chunked',
      '3',
      'abc',
      '0',
      '',
      'X: y',
    );
    const text = fc.array(fc.oneof(line, fc.string({ unit: 'binary' }))).map((lines) => lines.join('\r\n'));
    fc.assert(
      fc.property(text, (bytes) => {
        try {
          read([bytes], 'GET', true);
        } catch (error) {
          assert.ok(error instanceof ResponseSyntaxError, String(error));
        }
      }),
    );
  });
});

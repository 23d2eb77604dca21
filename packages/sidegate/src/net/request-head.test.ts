import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Problem } from '@sidegate/sdk';
import fc from 'fast-check';
import { requestFraming } from './message-framing.ts';
import { readRequestHead, refuseBrokenStart } from './request-head.ts';

function read(text: string) {
  const bytes = Buffer.from(text, 'latin1');
  return readRequestHead(bytes, bytes.toString('latin1'), 0, text.indexOf('\r\n\r\n'));
}

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'accepted';
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    return error.code;
  }
}

const LINE = 'GET / HTTP/1.1\r\n';

describe('refused heads', () => {
  const ROWS: readonly (readonly [title: string, text: string, code: string])[] = [
    ['C-124 white space before the colon', `${LINE}Name : v\r\n\r\n`, 'framing_invalid'],
    ['C-125 an empty name', `${LINE}: v\r\n\r\n`, 'framing_invalid'],
    ['a line without a colon', `${LINE}Name\r\nA: b\r\n\r\n`, 'framing_invalid'],
    ['C-140 a folded line', `${LINE}A: b\r\n c: d\r\n\r\n`, 'framing_invalid'],
    ['C-140 a first line that starts with a blank', `${LINE} A: b\r\n\r\n`, 'framing_invalid'],
    ['C-141 a bare line feed after the request line', 'GET / HTTP/1.1\nA: b\r\n\r\n', 'framing_invalid'],
    ['C-141 a bare line feed in a value', `${LINE}A: b\nC: d\r\n\r\n`, 'framing_invalid'],
    ['C-141 a bare carriage return in a value', `${LINE}A: b\rC: d\r\n\r\n`, 'framing_invalid'],
    ['C-141 a carriage return before the line end', `${LINE}A: b\r\r\n\r\n`, 'framing_invalid'],
    ['NUL in a value', `${LINE}A: b\0\r\n\r\n`, 'framing_invalid'],
    ['DEL in a value', `${LINE}A: b\x7f\r\n\r\n`, 'framing_invalid'],
    ['C-139 a vertical tab before a value', `${LINE}A:\x0bb\r\n\r\n`, 'framing_invalid'],
    ['a byte above ASCII in a name', `${LINE}\xe9: b\r\n\r\n`, 'framing_invalid'],
    ['two blanks after the method', 'GET  / HTTP/1.1\r\n\r\n', 'framing_invalid'],
    ['a tab after the method', 'GET\t/ HTTP/1.1\r\n\r\n', 'framing_invalid'],
    ['a blank in the target', 'GET /a b HTTP/1.1\r\n\r\n', 'framing_invalid'],
    ['a blank after the version', 'GET / HTTP/1.1 \r\n\r\n', 'framing_invalid'],
    ['a method that nobody knows', 'FETCH / HTTP/1.1\r\n\r\n', 'framing_invalid'],
    ['a method in lower case', 'get / HTTP/1.1\r\n\r\n', 'framing_invalid'],
    ['the protocol in lower case', 'GET / http/1.1\r\n\r\n', 'framing_invalid'],
    ['C-157 no version', 'GET /\r\n\r\n', 'framing_invalid'],
    ['C-157 HTTP/0.9', 'GET / HTTP/0.9\r\n\r\n', 'framing_invalid'],
    ['C-156 HTTP/2.0', 'GET / HTTP/2.0\r\n\r\n', 'http_version_unsupported'],
    ['C-156 HTTP/1.2', 'GET / HTTP/1.2\r\n\r\n', 'http_version_unsupported'],
    ['HTTP/1.10', 'GET / HTTP/1.10\r\n\r\n', 'framing_invalid'],
  ];
  for (const [title, text, code] of ROWS)
    test(`${title} is ${code}`, () =>
      assert.equal(
        codeOf(() => read(text)),
        code,
      ));
});

describe('what has arrived of a head', () => {
  const HOPELESS = [
    '\x16\x03\x01',
    'hello world',
    'GET / HTTP/1.1\n',
    'GET / HTTP/1.1\r\nA: \0',
    'FETCH /\r\n',
    '\rX',
    '\n',
  ];
  for (const text of HOPELESS) {
    test(`${JSON.stringify(text)} is refused at once`, () => {
      assert.equal(
        codeOf(() => refuseBrokenStart(text)),
        'framing_invalid',
      );
    });
  }

  test('no beginning of a good head is refused', () => {
    const whole = 'POST /a?b HTTP/1.1\r\nHost: a\r\nX-Y:\t z \r\n\r\n';
    for (let end = 0; end < whole.length; end += 1) refuseBrokenStart(whole.slice(0, end));
  });
});

test('fields keep their spelling, their order and their repeats', () => {
  const { method, target, version, fields } = read(
    `OPTIONS * HTTP/1.0\r\nhOST: a\r\nA:  b\tc \r\na:\r\n__proto__: x\r\n\r\n`,
  );
  assert.deepEqual([method, target, version], ['OPTIONS', '*', '1.0']);
  assert.deepEqual(
    fields.lowerNames.map((_, i) => fields.name(i)),
    ['hOST', 'A', 'a', '__proto__'],
  );
  assert.deepEqual(fields.lowerNames, ['host', 'a', 'a', '__proto__']);
  assert.deepEqual(
    fields.lowerNames.map((_, i) => fields.value(i)),
    ['a', 'b\tc', '', 'x'],
  );
});

describe('beside llhttp', () => {
  interface Seen {
    readonly method: string | undefined;
    readonly target: string | undefined;
    readonly fields: readonly string[];
  }
  let seen: Seen[] = [];
  const server = http.createServer({ requireHostHeader: false }, ({ method, url, rawHeaders }, response) => {
    seen.push({ method, target: url, fields: rawHeaders });
    response.setHeader('Connection', 'close').end();
  });
  before(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  after(() => new Promise((resolve) => server.close(resolve)));

  async function llhttp(text: string): Promise<Seen | undefined> {
    seen = [];
    const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    socket.end(Buffer.from(text, 'latin1'));
    await once(socket, 'close');
    return seen[0];
  }

  const piece = fc.oneof(
    fc.constantFrom('GET', 'POST', ' ', '/', '/a', ' HTTP/1.1', '\r\n', '\n', '\r', ':', 'Host', 'A', 'b', '\t', '\0'),
    fc.constantFrom(
      'Content-Length: 0',
      'Transfer-Encoding: chunked',
      'Connection: close',
      '\xe9',
      ';',
      ',',
      '\x7f',
      '\x0b',
    ),
    fc.string({ unit: 'binary', maxLength: 3 }),
  );
  const line = fc.oneof(
    fc.constantFrom('Host: a', 'A: b', 'X-Long:  value with blanks ', 'Content-Length: 0', 'Empty:'),
    fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')),
  );
  const message = fc
    .tuple(
      fc.oneof(
        fc.constant('GET / HTTP/1.1'),
        fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')),
      ),
      fc.array(line, { maxLength: 4 }),
      fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r\n '),
    )
    .map(([first, lines, lineEnd]) => `${[first, ...lines].join(lineEnd)}\r\n\r\n`);

  test('nothing is accepted that llhttp refuses, and what is accepted is read alike', async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(message, async (text) => {
        let ours: Seen;
        try {
          const head = read(text);
          requestFraming(head);
          const { method, target, fields } = head;
          // llhttp takes no other form; here the next stage refuses what is neither origin nor absolute form.
          if (method === 'CONNECT' || !/^(?:\/|http:\/\/a)[\x21-\x7e]*$/.test(target)) return;
          ours = { method, target, fields: fields.lowerNames.flatMap((_, i) => [fields.name(i), fields.value(i)]) };
        } catch (error) {
          assert.ok(error instanceof Problem, String(error));
          return;
        }
        accepted += 1;
        assert.deepEqual(await llhttp(text), ours);
      }),
      { numRuns: 2_000 },
    );
    assert.ok(accepted > 200, `${accepted} messages were worth comparing`);
  });
});

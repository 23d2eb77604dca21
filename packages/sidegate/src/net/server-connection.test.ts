/** Connections under messages that arrive in any pieces, ahead of their turn, or not as messages at all. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Problem } from '@sidegate/sdk';
import fc from 'fast-check';
import { type Listener, type ListenerHandlers, listen } from './listener.ts';
import type { Reply } from './reply.ts';
import { ServerConnection } from './server-connection.ts';

const OPTIONS = {
  host: '127.0.0.1',
  port: 0,
  readTimeoutMs: 5_000,
  writeTimeoutMs: 5_000,
  idleTimeoutMs: 5_000,
  maxHeaderBytes: 8_192,
} as const;

let listener: Listener;
/** How often a handler was told of a request. */
const told = { requests: 0 };

before(async () => {
  listener = await listen(OPTIONS, {
    request: ({ method, target, body, announcedEmpty }, reply) => {
      told.requests += 1;
      const size = body === undefined ? `no body, ${announcedEmpty}` : `${body.length ?? 'chunks'}`;
      const pieces: Buffer[] = [];
      const answer = (): void =>
        say(reply, 200, `${method} ${target} ${size} ${Buffer.concat(pieces).toString('latin1')};`);
      if (target === '/early') {
        say(reply, 200, 'early;');
      } else if (body === undefined) {
        // Some at once and some later, as when a token has to be fetched.
        if (target.length % 2 === 0) answer();
        else setImmediate(answer);
      } else {
        body.receive({ write: (piece) => pieces.push(piece) > 0, end: answer, cut: () => undefined });
      }
      return { aborted: () => undefined, broken: (problem) => refuse(problem, reply) };
    },
    malformed: (problem, _head, reply) => refuse(problem, reply),
    handshakeFailed: () => undefined,
    mayStay: () => true,
  });
});
after(() => listener.close(0));

function refuse({ row, code }: Problem, reply: Reply): void {
  reply.close();
  say(reply, row.status, `${code};`);
}

function say(reply: Reply, status: number, text: string): void {
  const body = Buffer.from(text, 'latin1');
  reply.head(status, '', body.length);
  reply.write(body);
  reply.end();
}

/** Sends the pieces one by one; everything that was answered until the other side ended, without `Date`. */
async function exchange(pieces: readonly string[]): Promise<string> {
  const socket = net.connect({ port: listener.address.port, host: '127.0.0.1', noDelay: true });
  const received: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => received.push(bytes)).on('error', () => undefined);
  for (const piece of pieces) {
    if (!socket.writable) break;
    socket.write(Buffer.from(piece, 'latin1'));
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (!socket.closed) await once(socket, 'close');
  return Buffer.concat(received)
    .toString('latin1')
    .replaceAll(/Date: [^\r]*\r\n/g, '');
}

function bodies(answers: string): string[] {
  return Array.from(answers.matchAll(/\r\n\r\n([^;]*);/g), ([, body = '']) => body);
}

const LAST = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

const message = fc.oneof(
  fc.constantFrom(
    'GET /a HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET /bc HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n',
    'HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n',
    '\r\nGET /after-an-empty-line HTTP/1.1\r\nHost: a\r\n\r\n',
    'POST /empty HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
    'POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\ndiscarded',
    'POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  ),
  fc
    .string({ unit: fc.constantFrom('a', '\r', '\n', ':', 'G', ' '), maxLength: 40 })
    .map((body) => `POST /sized HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
  fc
    .array(fc.string({ unit: fc.constantFrom('b', '\r', '\n', '0'), minLength: 1, maxLength: 20 }), { maxLength: 4 })
    .map(
      (chunks) =>
        `POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks
          .map((chunk) => `${chunk.length.toString(16)};x=y\r\n${chunk}\r\n`)
          .join('')}0\r\nX-Trailer: z\r\n\r\n`,
    ),
);

const cuts = fc.array(fc.nat(400), { maxLength: 12 });

function cutUp(text: string, at: readonly number[]): string[] {
  const places = [...new Set([0, ...at.map((place) => place % text.length), text.length])].sort((a, b) => a - b);
  return places.slice(1).map((end, index) => text.slice(places[index], end));
}

describe('a connection', () => {
  test('answers every request once, in order, however the bytes arrive', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 6 }), cuts, async (messages, at) => {
        const text = [...messages, LAST].join('');
        const before = told.requests;
        const whole = await exchange([text]);
        assert.equal(told.requests - before, messages.length + 1);
        assert.match(whole, /GET \/last no body, false ;$/);
        assert.equal(await exchange(cutUp(text, at)), whole);
      }),
      { numRuns: 150 },
    );
  });

  test('looks at nothing behind what it refused', async () => {
    const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
    const REFUSED = [
      'rubbish\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n',
      'GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n',
    ];
    for (const text of REFUSED) {
      const before = { ...told };
      const answers = await exchange([`GET /a HTTP/1.1\r\nHost: a\r\n\r\n${text}${smuggled}`]);
      assert.deepEqual(bodies(answers), ['GET /a no body, false ', 'framing_invalid'], text);
      assert.equal(told.requests - before.requests, 1, text);
    }
  });

  test('C-126 refuses a head without end as soon as it is too long, byte by byte as well', async () => {
    const endless = `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(3_000)}`;
    for (const pieces of [[endless], cutUp(endless, [1, 2, 3, 15, 16, 17, 350])]) {
      assert.deepEqual(bodies(await exchange(pieces)), ['too_many_headers']);
    }
  });

  test('refuses a head that comes in crumbs', async () => {
    const endless = `GET / HTTP/1.1\r\nX: ${'y'.repeat(7_000)}`;
    assert.deepEqual(bodies(await exchange(endless.split(''))), ['framing_invalid']);
  });

  test('stops taking a body that nobody wants', async () => {
    const head = 'POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n';
    const answers = await exchange([head, ...Array.from({ length: 64 }, () => 'x'.repeat(65_536))]);
    assert.deepEqual(bodies(answers), ['early']);
  });

  test('survives any bytes: each connection ends with an answer or without one, and the next is served', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(message, fc.string({ unit: 'binary', maxLength: 30 })), { maxLength: 5 }),
        cuts,
        async (parts, at) => {
          const text = `${parts.join('')}\r\n\r\n\r\n\r\n`;
          const answers = await exchange([...cutUp(text, at), LAST]);
          assert.ok(answers === '' || answers.startsWith('HTTP/1.1 '), answers.slice(0, 40));
        },
      ),
      { numRuns: 150 },
    );
    assert.deepEqual(bodies(await exchange([LAST])), ['GET /last no body, false ']);
  });
});

test('what has come in the turn in which an idle connection is closed is not begun', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1').on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  let begun = 0;
  const handlers: ListenerHandlers = {
    request: () => {
      begun += 1;
      return { aborted: () => undefined, broken: () => undefined };
    },
    malformed: () => (begun += 1),
    handshakeFailed: () => undefined,
    mayStay: () => true,
  };
  const { promise: closed, resolve } = Promise.withResolvers<unknown>();
  const scope = { handlers, maxHeaderBytes: 8_192, now: 0, dateLine: '', closing: false, onClosed: resolve };
  const connection = new ServerConnection(socket, scope);
  client.write('POST /pay HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
  socket.prependOnceListener('data', () => queueMicrotask(() => connection.destroy()));
  await closed;
  assert.equal(begun, 0);
  client.destroy();
  server.close();
});

/** Corpus F, the side of the service: answers that try to become somebody else's answer. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { startHandlerApp } from '../support/handler-app.ts';
import { startIngress } from '../support/ingress.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';
import { sendBytes } from '../support/wire.ts';

const GOOD = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nEVIL!';

describe('bytes behind an answer never answer the next request', () => {
  const ROWS: readonly (readonly [title: string, method: string, first: (socket: Socket) => void])[] = [
    ['C-162 a second answer in the same packet', 'GET', (socket) => void socket.write(`${GOOD}${EVIL}`)],
    [
      'C-162 a second answer a moment later',
      'GET',
      (socket) => {
        socket.write(GOOD);
        setTimeout(() => socket.write(EVIL), 20);
      },
    ],
    [
      'a body to HEAD that is an answer',
      'HEAD',
      (socket) => void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n${EVIL}`),
    ],
    ['a body to 204', 'GET', (socket) => void socket.write(`HTTP/1.1 204 No Content\r\n\r\n${EVIL}`)],
    [
      'a body to 304',
      'GET',
      (socket) => void socket.write(`HTTP/1.1 304 Not Modified\r\nContent-Length: 43\r\n\r\n${EVIL}`),
    ],
    ['a longer body than Content-Length', 'GET', (socket) => void socket.write(`${GOOD}${EVIL.repeat(3)}`)],
    [
      'bytes behind the last chunk',
      'GET',
      (socket) => {
        socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n${EVIL}`);
      },
    ],
  ];
  for (const [title, method, first] of ROWS) {
    test(title, async () => {
      const answers = [first];
      await using upstream = await startRawUpstream((socket) => {
        (answers.shift() ?? ((other: Socket) => void other.write(GOOD)))(socket);
      });
      await using ingress = await startIngress({ upstreamPort: upstream.port });
      await ingress.send({ method });
      await until(() => upstream.connections[0]?.closed === true, 500);
      const { status, body, raw } = await ingress.send({ target: '/next' });
      assert.deepEqual([status, body], [200, 'hello'], raw);
      assert.equal(upstream.connections.length, 2, 'the spoiled connection is not used again');
    });
  }
});

describe('answers in the making', () => {
  for (const [count, status] of [
    [8, 200],
    [1_000, 502],
  ] as const) {
    test(`C-149 ${count} interim answers: none is handed on, the last word is ${status}`, async () => {
      await using upstream = await startRawUpstream((socket) => {
        socket.write(`${'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(count)}${GOOD}`);
      });
      await using ingress = await startIngress({ upstreamPort: upstream.port });
      const answer = await ingress.send();
      assert.equal(answer.status, status, answer.raw);
      assert.equal(answer.raw.split('HTTP/1.1 ').length, 2);
    });
  }

  test('a header that ends in CR does not split the answer', async () => {
    await using upstream = await startRawUpstream((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nX-A: a\rX-Split: b\r\nContent-Length: 5\r\n\r\nhello');
    });
    await using ingress = await startIngress({ upstreamPort: upstream.port });
    const { status, raw } = await ingress.send();
    assert.equal(status, 502);
    assert.ok(!raw.includes('X-Split'));
  });
});

describe('an answer as it is', () => {
  test('repeated fields keep their number and order, in both directions', async () => {
    const seen: string[][] = [];
    await using app = await startHandlerApp((request, response) => {
      seen.push(request.rawHeaders);
      response.writeHead(200, ['Set-Cookie', 'a=1', 'X-B', 'b', 'Set-Cookie', 'c=2']).end();
    });
    await using ingress = await startIngress({ upstreamPort: app.port });
    const { raw } = await ingress.send({ headers: ['X-Many', '1', 'X-Other', 'o', 'x-many', '2'] });
    assert.deepEqual(raw.match(/^Set-Cookie: .*$/gm), ['Set-Cookie: a=1', 'Set-Cookie: c=2']);
    const sent = seen[0] ?? [];
    const at = sent.indexOf('X-Many');
    assert.deepEqual(sent.slice(at, at + 6), ['X-Many', '1', 'X-Other', 'o', 'x-many', '2']);
    assert.equal(raw.match(/^date: /gim)?.length, 1);
  });

  test('a client of HTTP/1.0 gets no chunks, and the end of the connection', async () => {
    await using app = await startHandlerApp((_request, response) => {
      response.write('hel');
      response.end('lo');
    });
    await using ingress = await startIngress({ upstreamPort: app.port });
    const head = `GET / HTTP/1.0\r\nHost: a\r\nAuthorization: Bearer ${ingress.token()}\r\n\r\n`;
    const { body, headers } = await sendBytes(ingress.wire, Buffer.from(head));
    assert.deepEqual([body, headers['transfer-encoding'], headers['connection']], ['hello', undefined, 'close']);
  });
});

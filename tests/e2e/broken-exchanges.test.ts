/** Exchanges that one side breaks: the other side is told, never with half an answer that looks whole, and one record says so. */
import assert from 'node:assert/strict';
import http, { type IncomingMessage } from 'node:http';
import net from 'node:net';
import { describe, test } from 'node:test';
import { PROBLEMS, type ProblemCode } from '@sidegate/sdk';
import { startHandlerApp } from '../support/handler-app.ts';
import { type Ingress, ONE_TARGET, startIngress } from '../support/ingress.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';

const OK = 'HTTP/1.1 200 OK\r\n';

/** The only record, once it is written. */
async function onlyRecord({ sidecar }: Pick<Ingress, 'sidecar'>): Promise<Readonly<Record<string, unknown>>> {
  await until(() => sidecar.audit.length > 0);
  assert.equal(sidecar.audit.length, 1, JSON.stringify(sidecar.audit));
  return sidecar.audit[0] ?? {};
}

describe('an upstream that gives no answer', () => {
  const METHODS = [
    ['GET', undefined],
    ['POST', 'x'.repeat(1024)],
  ] as const;
  const ROWS: readonly (readonly [title: string, code: ProblemCode, behave: (socket: net.Socket) => void])[] = [
    ['that hangs up', 'upstream_unreachable', (socket) => socket.end()],
    ['that resets the connection', 'upstream_unreachable', (socket) => socket.resetAndDestroy()],
    ['that hangs up inside the head', 'upstream_unreachable', (socket) => socket.end(`${OK}Content-Le`)],
    ['S3-036 that is slower than the timeout', 'upstream_timeout', () => undefined],
    ['that is slower than the timeout inside the head', 'upstream_timeout', (socket) => void socket.write(OK)],
    ['that speaks another protocol', 'bad_upstream_response', (socket) => socket.end('220 mail.example ESMTP\r\n')],
    ['that speaks HTTP/0.9', 'bad_upstream_response', (socket) => socket.end('<html>')],
    ['C-161 with two framings', 'bad_upstream_response', answer('Content-Length: 5\r\nTransfer-Encoding: chunked')],
    [
      'C-161 with two framings, the other way',
      'bad_upstream_response',
      answer('Transfer-Encoding: chunked\r\nContent-Length: 5'),
    ],
    ['C-161 with two lengths', 'bad_upstream_response', answer('Content-Length: 5\r\nContent-Length: 6')],
    ['C-161 with NUL in a header', 'bad_upstream_response', answer('X-A: a\0b\r\nContent-Length: 5')],
    ['with a header without name', 'bad_upstream_response', answer(': a\r\nContent-Length: 5')],
    ['with 100 KB of head', 'bad_upstream_response', answer(`X-A: ${'a'.repeat(100_000)}\r\nContent-Length: 5`)],
    [
      'that lists a framing field in Connection',
      'bad_upstream_response',
      answer('Connection: content-length\r\nContent-Length: 5'),
    ],
    ['with a bad chunk right behind its head', 'bad_upstream_response', answer('Transfer-Encoding: chunked')],
    [
      'C-150 with 101 that nobody asked for',
      'bad_upstream_response',
      (socket) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw');
      },
    ],
  ];
  for (const [title, code, behave] of ROWS) {
    for (const [kind, body] of METHODS) {
      if (code === 'upstream_timeout' && kind === 'POST') continue;
      test(`${title} is ${PROBLEMS[code].status} ${code} to a ${kind}`, async () => {
        await using upstream = await startRawUpstream(behave);
        await using ingress = await startIngress({ upstreamTimeout: '300ms', upstreamPort: upstream.port });
        const answer = await ingress.send({ method: kind, ...(body === undefined ? {} : { body }) });
        const record = await onlyRecord(ingress);
        assert.deepEqual(
          [answer.status, (JSON.parse(answer.body) as { code: string }).code, record['code'], record['decision']],
          [PROBLEMS[code].status, code, code, 'allow'],
        );
        assert.ok(!answer.raw.includes(String(upstream.port)), 'nothing about the inside');
      });
    }
  }

  test('S3-036 nobody listens: 502 upstream_unreachable', async () => {
    await using ingress = await startIngress({ upstreamTimeout: '300ms', upstreamPort: 1 });
    const answer = await ingress.send();
    assert.deepEqual([answer.status, (await onlyRecord(ingress))['code']], [502, 'upstream_unreachable']);
  });
});

function answer(fields: string): (socket: net.Socket) => void {
  return (socket) => void socket.write(`${OK}${fields}\r\n\r\nhello`);
}

/** What node's client makes of the answer: its status, and whether the body came to its end. */
function receive(ingress: Ingress, method = 'GET'): Promise<{ status: number | undefined; complete: boolean }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${ingress.token()}` };
    const request = http.request({ port: ingress.wire.port, method, headers, agent: false }, (response) => {
      response.on('error', () => undefined).resume();
      response.on('close', () => resolve({ status: response.statusCode, complete: response.complete }));
    });
    request.on('error', reject).end();
  });
}

describe('an upstream that breaks off its answer cuts the connection of the client', () => {
  const HALF = `${OK}Content-Length: 10\r\n\r\nhello`;
  const HALF_CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`;
  const ROWS: readonly (readonly [title: string, code: ProblemCode, behave: (socket: net.Socket) => void])[] = [
    [
      'reset',
      'bad_upstream_response',
      (socket) => socket.write(HALF, () => setTimeout(() => socket.resetAndDestroy(), 20)),
    ],
    ['end before Content-Length', 'bad_upstream_response', (socket) => socket.end(HALF)],
    ['end between two chunks', 'bad_upstream_response', (socket) => socket.end(HALF_CHUNKED)],
    [
      'a bad chunk',
      'bad_upstream_response',
      (socket) => socket.write(HALF_CHUNKED, () => setTimeout(() => socket.write('zz\r\n'), 20)),
    ],
    ['silence', 'upstream_timeout', (socket) => void socket.write(HALF_CHUNKED)],
  ];
  for (const [title, code, behave] of ROWS) {
    test(`${title}: ${code} in the record, beside the status that was sent`, async () => {
      await using upstream = await startRawUpstream(behave);
      await using ingress = await startIngress({ upstreamTimeout: '300ms', upstreamPort: upstream.port });
      assert.deepEqual(await receive(ingress), { status: 200, complete: false });
      const record = await onlyRecord(ingress);
      assert.deepEqual([record['status'], record['code'], record['level']], [200, code, 'error']);
    });
  }
});

describe('a client that goes away', () => {
  /** An app that tells when it has begun, and how its request ended. */
  async function watchingApp(answer: (request: IncomingMessage, response: http.ServerResponse) => void) {
    const outcome = { begun: false, aborted: false, complete: false };
    const app = await startHandlerApp((request, response) => {
      outcome.begun = true;
      request
        .on('error', () => undefined)
        .on('close', () => {
          outcome.complete = request.complete;
        });
      response.on('close', () => {
        outcome.aborted = !response.writableFinished;
      });
      request.resume();
      answer(request, response);
    });
    return { app, outcome };
  }

  function begin(ingress: Ingress, method: string, fields: string): net.Socket {
    const socket = net.connect(ingress.wire.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`${method} / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${ingress.token()}\r\n${fields}\r\n`);
    return socket;
  }

  const LEAVING: readonly (readonly [how: string, leave: (socket: net.Socket) => void])[] = [
    ['by closing', (socket) => socket.destroy()],
    ['by a reset', (socket) => socket.resetAndDestroy()],
  ];
  for (const [how, leave] of LEAVING) {
    test(`in the middle of its body ${how}: the app sees an abort, the record says aborted`, async () => {
      const { app, outcome } = await watchingApp(() => undefined);
      await using _app = app;
      await using ingress = await startIngress({ upstreamTimeout: '300ms', upstreamPort: app.port });
      const socket = begin(ingress, 'POST', 'Content-Length: 10\r\n\r\nhello');
      await until(() => outcome.begun);
      leave(socket);
      await until(() => outcome.aborted);
      assert.deepEqual(outcome, { begun: true, aborted: true, complete: false });
      assert.equal((await onlyRecord(ingress))['aborted'], true);
    });

    test(`in the middle of the answer ${how}: the app sees an abort, the record says aborted`, async () => {
      const { app, outcome } = await watchingApp((_request, response) => void response.write('hello'));
      await using _app = app;
      await using ingress = await startIngress({ upstreamTimeout: '300ms', upstreamPort: app.port });
      const socket = begin(ingress, 'GET', '\r\n');
      await new Promise((resolve) => socket.once('data', resolve));
      leave(socket);
      await until(() => outcome.aborted);
      assert.ok(outcome.aborted);
      const record = await onlyRecord(ingress);
      assert.deepEqual([record['aborted'], record['status'], record['code']], [true, 200, undefined]);
    });
  }

  test('C-144 by ending inside a chunk: the app sees an abort, the record says aborted', async () => {
    const { app, outcome } = await watchingApp(() => undefined);
    await using _app = app;
    await using ingress = await startIngress({ upstreamTimeout: '300ms', upstreamPort: app.port });
    const socket = begin(ingress, 'POST', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhel');
    await until(() => outcome.begun);
    socket.end();
    await until(() => outcome.aborted);
    assert.deepEqual(outcome, { begun: true, aborted: true, complete: false });
    assert.equal((await onlyRecord(ingress))['aborted'], true);
  });

  test('while its token is fetched: nothing is sent on, the record says aborted', async () => {
    const { promise: mayAnswer, resolve: grant } = Promise.withResolvers<void>();
    await using issuer = await startTokenEndpoint(async () => {
      await mayAnswer;
      return { body: { access_token: 'a.b.c', token_type: 'Bearer', expires_in: 300 } };
    });
    await using upstream = await startRawUpstream((socket) => socket.end(`${OK}Content-Length: 0\r\n\r\n`));
    await using ingress = await startIngress({
      env: { TARGET: `http://127.0.0.1:${upstream.port}`, TOKEN_URL: issuer.url, SECRET: 'secret' },
      chapters: ONE_TARGET,
    });
    const socket = net.connect(ingress.sidecar.egressPort, '127.0.0.1');
    socket.write('GET /data HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => issuer.requests.length > 0);
    socket.destroy();
    await new Promise((resolve) => socket.once('close', resolve));
    // The sidecar is told of it over another connection than the one that grants the token.
    await sendRequest({ port: ingress.sidecar.egressPort }, { target: '/none' });
    grant();
    await until(() => ingress.sidecar.audit.length === 2);
    assert.deepEqual(
      ingress.sidecar.audit.map(({ decision, aborted }) => [decision, aborted]),
      [
        ['deny', undefined],
        ['deny', true],
      ],
    );
    assert.deepEqual(upstream.connections, []);
  });
});

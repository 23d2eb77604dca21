/** Bodies through the ingress: whole, in both directions, at the speed of the slower side and never kept in memory. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { startHandlerApp } from '../support/handler-app.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

const MIB = 1024 * 1024;
const PIECE = randomBytes(64 * 1024);
const PIECES = 512;
const SIZE = PIECES * PIECE.length;
const DIGEST = createHash('sha256');
for (let i = 0; i < PIECES; i += 1) DIGEST.update(PIECE);
const WHOLE = DIGEST.digest('hex');

/** Routes without the short timeout of the fixture: here both sides are slow on purpose. */
const SLOW = '  authz: { enabled: false }\n  routes: [{ path: /**, timeout: 30s }]';

/** Writes 32 MiB, each piece when the one before has left. */
async function writeAll(stream: NodeJS.WritableStream): Promise<void> {
  for (let i = 0; i < PIECES; i += 1) {
    if (!stream.write(PIECE)) await new Promise((resolve) => stream.once('drain', resolve));
  }
  stream.end();
}

async function digestOf(stream: AsyncIterable<unknown>): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of stream) digest.update(chunk as Buffer);
  return digest.digest('hex');
}

function open(ingress: Ingress, headers: Readonly<Record<string, string>>, method = 'POST'): http.ClientRequest {
  const authorization = `Bearer ${ingress.token()}`;
  return http.request({ port: ingress.wire.port, method, headers: { ...headers, authorization }, agent: false });
}

function answerOf(request: http.ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => void request.on('response', resolve).on('error', reject));
}

/** Everything that the sidecar's own sockets hold of one exchange. */
function watchBuffers(ingress: Ingress, upstreamPort: number) {
  const inbound: Socket[] = [];
  const outbound: Socket[] = [];
  const keep = (list: Socket[]) => (message: unknown) =>
    void list.push((message as { readonly socket: Socket }).socket);
  const [onServer, onClient] = [keep(inbound), keep(outbound)];
  diagnostics.subscribe('net.server.socket', onServer);
  diagnostics.subscribe('net.client.socket', onClient);
  return {
    held(): number {
      const sockets = [
        inbound.filter(({ localPort }) => localPort === ingress.wire.port),
        outbound.filter(({ remotePort }) => remotePort === upstreamPort),
      ];
      assert.ok(
        sockets.every(({ length }) => length > 0),
        'the exchange is under way',
      );
      return sockets.flat().reduce((sum, socket) => sum + socket.readableLength + socket.writableLength, 0);
    },
    [Symbol.dispose]() {
      diagnostics.unsubscribe('net.server.socket', onServer);
      diagnostics.unsubscribe('net.client.socket', onClient);
    },
  };
}

/** Waits until a counter has moved and stands still. */
async function stalled(counter: () => number): Promise<void> {
  let last = -1;
  let since = performance.now();
  await until(() => {
    const now = counter();
    if (now !== last || now === 0) since = performance.now();
    last = now;
    return performance.now() - since > 150;
  });
}

describe('32 MiB', () => {
  for (const [framing, headers] of [
    ['chunked', { 'Transfer-Encoding': 'chunked' }],
    ['with Content-Length', { 'Content-Length': String(SIZE) }],
  ] as const) {
    test(`S3-041 up, ${framing}, wait for an app that does not read, and arrive whole`, async () => {
      const { promise: mayRead, resolve: read } = Promise.withResolvers<void>();
      await using app = await startHandlerApp((request, response) => {
        void mayRead.then(async () => response.end(await digestOf(request)));
      });
      await using ingress = await startIngress({ upstreamPort: app.port, proxy: SLOW });
      using buffers = watchBuffers(ingress, app.port);
      const request = open(ingress, headers);
      const answer = answerOf(request);
      const written = writeAll(request);
      await stalled(() => request.socket?.bytesWritten ?? 0);
      const sent = (request.socket?.bytesWritten ?? 0) - (request.socket?.writableLength ?? 0);
      assert.ok(sent < SIZE, 'the client has to wait');
      assert.ok(buffers.held() < MIB, `${buffers.held()} bytes in the sidecar`);
      read();
      await written;
      assert.equal((await (await answer).toArray()).join(''), WHOLE);
    });
  }

  for (const [framing, headers] of [
    ['chunked', {}],
    ['with Content-Length', { 'Content-Length': String(SIZE) }],
  ] as const) {
    test(`S3-041 down, ${framing}, wait for a client that does not read, and arrive whole`, async () => {
      let outgoing: ServerResponse | undefined;
      await using app = await startHandlerApp((_request, response) => {
        outgoing = response.writeHead(200, headers);
        void writeAll(response);
      });
      await using ingress = await startIngress({ upstreamPort: app.port, proxy: SLOW });
      using buffers = watchBuffers(ingress, app.port);
      const request = open(ingress, {}, 'GET').end();
      const answer = await answerOf(request);
      await stalled(() => outgoing?.socket?.bytesWritten ?? 0);
      assert.ok(outgoing?.writableNeedDrain === true, 'the app has to wait');
      assert.ok(buffers.held() < MIB, `${buffers.held()} bytes in the sidecar`);
      assert.equal(await digestOf(answer), WHOLE);
    });
  }
});

describe('answers without a body', () => {
  test('HEAD keeps the length that GET would have, and no byte of body', async () => {
    await using upstream = await startRawUpstream((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n');
    });
    await using ingress = await startIngress({ upstreamPort: upstream.port });
    const answer = await ingress.send({ method: 'HEAD' });
    assert.deepEqual([answer.status, answer.headers['content-length'], answer.body], [200, '42', '']);
  });

  for (const status of [204, 304]) {
    test(`${status} has no body and no chunks`, async () => {
      await using app = await startHandlerApp((_request, response) =>
        response.writeHead(status, { ETag: '"a"' }).end(),
      );
      await using ingress = await startIngress({ upstreamPort: app.port });
      const answer = await ingress.send();
      assert.deepEqual(
        [answer.status, answer.headers['etag'], answer.headers['transfer-encoding'], answer.body],
        [status, '"a"', undefined, ''],
      );
    });
  }
});

describe('requests and answers as they are', () => {
  test('a POST with Content-Length: 0 arrives with Content-Length: 0', async () => {
    await using ingress = await startIngress();
    await ingress.send({ method: 'POST', headers: ['Content-Length', '0'] });
    const { method, rawHeaders = [], body } = ingress.app.seen.at(-1) ?? {};
    const fields = rawHeaders.map((text) => text.toLowerCase());
    assert.deepEqual([method, body, fields[fields.indexOf('content-length') + 1]], ['POST', '', '0']);
    assert.ok(!fields.includes('transfer-encoding'));
  });

  test('trailers of the answer are dropped, its body is whole', async () => {
    await using app = await startHandlerApp((_request, response) => {
      response.writeHead(200, { Trailer: 'X-Digest' }).write('hello');
      response.addTrailers({ 'X-Digest': 'canary' });
      response.end();
    });
    await using ingress = await startIngress({ upstreamPort: app.port });
    const answer = await ingress.send();
    assert.equal(answer.body, '5\r\nhello\r\n0\r\n\r\n');
    assert.ok(!/canary|trailer/i.test(answer.raw));
  });

  test('hop-by-hop fields of the answer end here, and it cannot speak in our name', async () => {
    await using app = await startHandlerApp((_request, response) => {
      const forged = ['X-Sidegate-Decision', 'forged', 'X-Correlation-ID', 'forged'];
      response.writeHead(200, ['Connection', 'close, X-Hop', 'X-Hop', 'a', 'X-App', 'b', ...forged]).end();
    });
    await using ingress = await startIngress({ upstreamPort: app.port });
    const { headers } = await ingress.send({ headers: ['X-Correlation-ID', 'req-abc'] });
    assert.deepEqual([headers['x-hop'], headers['x-app'], headers['x-correlation-id']], [undefined, 'b', 'req-abc']);
    assert.notEqual(headers['x-sidegate-decision'], 'forged');
  });
});

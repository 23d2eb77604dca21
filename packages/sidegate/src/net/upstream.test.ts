import assert from 'node:assert/strict';
import { lookup } from 'node:dns';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { Problem } from '@sidegate/sdk';
import { readTogether } from './batch.ts';
import { Cancellation } from './cancellation.ts';
import { createUpstream, type ResponseSink, type Upstream } from './upstream.ts';

interface RawServer extends AsyncDisposable {
  readonly upstream: Upstream;
  readonly connections: () => number;
}

/** A server that gets each request head as text, with the number of its connection, and writes what it likes. */
async function startRaw(onHead: (socket: net.Socket, head: string, connection: number) => void): Promise<RawServer> {
  let connections = 0;
  const server = net.createServer((socket) => {
    connections += 1;
    const connection = connections;
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        onHead(socket, text.slice(0, end), connection);
        text = text.slice(end + 4);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const upstream = createUpstream({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connectTo: new Map(),
    lookup,
    timeoutMs: 2_000,
    connectTimeoutMs: 1_000,
    handshakeTimeoutMs: 1_000,
  });
  return {
    upstream,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      await upstream.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What a client would have seen. */
async function get(upstream: Upstream, { method = 'GET', lines = '', takes = true } = {}): Promise<string> {
  let seen = '';
  const sink: ResponseSink = {
    head: ({ status }) => (seen += `${status} `),
    write: (bytes, start, end) => {
      seen += bytes.toString('latin1', start, end);
      return takes;
    },
    flush: () => undefined,
    end: () => undefined,
    whenDrained: () => undefined,
  };
  const request = { method, path: '/x', lines, host: undefined, body: undefined, announcedEmpty: false };
  await upstream.send(request, sink, new Cancellation());
  return seen;
}

async function socketPair(): Promise<[net.Socket, net.Socket]> {
  const server = net.createServer().listen(0, '127.0.0.1');
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  await once(server, 'listening');
  const dialled = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = await accepted;
  server.close();
  return [dialled, socket];
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('an upstream', () => {
  test('C-162 that speaks unasked loses its connection, and the next request gets its own answer', async () => {
    await using raw = await startRaw((socket, _head, connection) => {
      socket.write(OK);
      if (connection === 1) setImmediate(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'));
    });
    assert.equal(await get(raw.upstream), '200 ok');
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(await get(raw.upstream), '200 ok');
    assert.equal(raw.connections(), 2);
  });

  test('C-162 that speaks unasked in the turn in which the next request begins is not heard as its answer', async () => {
    const sockets: net.Socket[] = [];
    await using raw = await startRaw((socket) => {
      sockets.push(socket);
      socket.write(OK);
    });
    assert.equal(await get(raw.upstream), '200 ok');
    const [ours, theirs] = await socketPair();
    const answer = new Promise<string>((resolve, reject) => {
      ours.once('data', (bytes: Buffer) => readTogether(() => void get(raw.upstream).then(resolve, reject), bytes));
      // Both arrive together: the kernel has them before anything is read.
      sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
      theirs.write('x');
    });
    assert.equal(await answer, '200 ok');
    assert.equal(raw.connections(), 2);
    ours.destroy();
  });

  test('that ends an idle connection as it is taken is asked again, once, on a new one', async () => {
    await using raw = await startRaw((socket, _head, connection) => {
      if (connection === 1 && socket.bytesWritten > 0) socket.destroy();
      else socket.write(OK);
    });
    assert.equal(await get(raw.upstream), '200 ok');
    assert.equal(await get(raw.upstream), '200 ok');
    assert.equal(raw.connections(), 2);
  });

  test('is not asked again for what could happen twice', async () => {
    await using raw = await startRaw((socket, head) => {
      if (head.startsWith('POST')) socket.destroy();
      else socket.write(OK);
    });
    assert.equal(await get(raw.upstream), '200 ok');
    await assert.rejects(
      () => get(raw.upstream, { method: 'POST' }),
      (error) => error instanceof Problem && error.code === 'upstream_unreachable',
    );
    assert.equal(raw.connections(), 1);
  });

  test('that closes before it answers is not asked for ever', async () => {
    await using raw = await startRaw((socket) => socket.destroy());
    await assert.rejects(
      () => get(raw.upstream),
      (error) => error instanceof Problem && error.code === 'upstream_unreachable',
    );
    assert.equal(raw.connections(), 1);
  });

  test('whose keep-alive is nearly over gets a new connection', async () => {
    await using raw = await startRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok');
    });
    await get(raw.upstream);
    await get(raw.upstream);
    assert.equal(raw.connections(), 2);
  });

  test('whose last piece a client is slow to take answers the next request on the same connection', async () => {
    await using raw = await startRaw((socket) => socket.write(OK));
    assert.equal(await get(raw.upstream, { takes: false }), '200 ok');
    assert.equal(await get(raw.upstream), '200 ok');
    assert.equal(raw.connections(), 1);
  });

  test('is reused while it keeps its connection', async () => {
    await using raw = await startRaw((socket) => socket.write(OK));
    for (let i = 0; i < 5; i += 1) assert.equal(await get(raw.upstream), '200 ok');
    assert.equal(raw.connections(), 1);
  });
});

/** How long a connection may take to come about. Over real sockets. */
import assert from 'node:assert/strict';
import { lookup } from 'node:dns';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createConnector } from './connector.ts';

/** Takes connections, and says nothing. */
async function silentServer(): Promise<AsyncDisposable & { readonly address: string }> {
  const server = net.createServer((socket) => void socket.on('error', () => undefined).resume());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

test('a handshake that does not end is given up after its own time, not after that of the connection', async () => {
  await using server = await silentServer();
  const limits = { connectTimeoutMs: 50, handshakeTimeoutMs: 300 };
  const connect = createConnector({ url: `https://${server.address}`, connectTo: new Map(), lookup, ...limits });
  const began = performance.now();
  await assert.rejects(connect(), { code: 'HANDSHAKE_TIMEOUT' });
  assert.ok(performance.now() - began >= 299);
});

test('a process that was busy until the time was over takes the connection that has come meanwhile', async () => {
  await using server = await silentServer();
  const limits = { connectTimeoutMs: 50, handshakeTimeoutMs: 50 };
  const connect = createConnector({ url: `http://${server.address}`, connectTo: new Map(), lookup, ...limits });
  const opening = connect();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  const { socket } = await opening;
  socket.destroy();
});

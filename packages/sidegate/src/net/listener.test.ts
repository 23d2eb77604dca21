/** A listener outlives its peers, however they leave. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { until } from '../../../../tests/support/until.ts';
import { type Listener, listen } from './listener.ts';

const ATTEMPTS = 20;
const OPTIONS = {
  host: '127.0.0.1',
  port: 0,
  readTimeoutMs: 1_000,
  writeTimeoutMs: 1_000,
  idleTimeoutMs: 1_000,
  maxHeaderBytes: 8_192,
} as const;

const LAST_WORDS: readonly (readonly [title: string, message: string])[] = [
  ['an upgrade', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'],
  ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['rubbish', 'GET / HTTP/1.1\r\nno field\r\n\r\n'],
  ['a request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
];

for (const [title, message] of LAST_WORDS) {
  test(`a peer that resets its connection right after ${title} is answered into the void`, async () => {
    const listener = await answering();
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) await sendAndReset(listener, message);
      // An unheard error event would have ended this process, and with it the test.
      const socket = net.connect(listener.address.port, '127.0.0.1');
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      const [answer] = (await once(socket, 'data')) as [Buffer];
      assert.match(answer.toString(), /^HTTP\/1\.1 204 /);
      socket.destroy();
    } finally {
      await listener.close(0);
    }
  });
}

test('a peer beyond the most connections is turned away and counted, and there is room again when another leaves', async () => {
  const listener = await answering({ maxConnections: 2 });
  const dial = (): net.Socket => net.connect(listener.address.port, '127.0.0.1').on('error', () => undefined);
  const answered = async (socket: net.Socket): Promise<boolean> => {
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    return Promise.race([once(socket, 'data').then(() => true), once(socket, 'close').then(() => false)]);
  };
  try {
    const first = dial();
    assert.deepEqual([await answered(first), await answered(dial()), await answered(dial())], [true, true, false]);
    assert.equal(listener.turnedAway, 1);
    first.destroy();
    await until(() => listener.connections < 2);
    assert.deepEqual([await answered(dial()), listener.turnedAway], [true, 1]);
  } finally {
    await listener.close(0);
  }
});

/** Writes on every socket that it is given, also on those that are gone. */
function answering(more: { readonly maxConnections?: number } = {}): Promise<Listener> {
  return listen(
    { ...OPTIONS, ...more },
    {
      request: (_request, reply) => {
        reply.head(204, '', undefined);
        reply.end();
        return { aborted: () => undefined, broken: () => undefined };
      },
      malformed: (_problem, _head, reply) => {
        reply.head(400, '', 0);
        reply.end();
      },
      handshakeFailed: () => undefined,
      mayStay: () => true,
    },
  );
}

async function sendAndReset({ address }: Listener, message: string): Promise<void> {
  const socket = net.connect(address.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(message);
  setImmediate(() => socket.resetAndDestroy());
  await once(socket, 'close');
}

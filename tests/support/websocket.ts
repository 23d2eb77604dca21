/** Both ends of a WebSocket as far as a proxy is concerned: an opening handshake, then bytes. No frames are made or read. */
import { hash } from 'node:crypto';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';
import { until } from './until.ts';
import type { WireOptions } from './wire.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
/** RFC 6455 section 1.3: what belongs to the key above. */
export const ACCEPT: string = hash('sha1', `${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, 'base64');

export interface WebSocketService extends AsyncDisposable {
  readonly port: number;
  /** Heads of the requests, oldest first; also of those that were refused later. */
  readonly seen: readonly string[];
  /** Everything that came behind the heads. */
  behind(): string;
  /** The connections that are open now. */
  readonly sockets: ReadonlySet<Socket>;
}

export const AGREED: string = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n`;

/**
 * Agrees, and sends back every byte in upper case.
 *
 * @param onHead what it does instead when a head is there
 */
export async function startWebSocketService(
  onHead: (socket: Socket, head: string) => void = (socket) => void socket.write(`${AGREED}\r\n`),
): Promise<WebSocketService> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  let behind = '';
  const server = net.createServer((socket) => {
    sockets.add(socket);
    let text = '';
    let open = false;
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes: Buffer) => {
      if (open) {
        behind += bytes.toString('latin1');
        socket.write(bytes.toString('latin1').toUpperCase(), 'latin1');
        return;
      }
      text += bytes.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      open = true;
      behind += text.slice(end + 4);
      seen.push(text.slice(0, end));
      onHead(socket, text.slice(0, end));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    behind: () => behind,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface WebSocketClient extends Disposable {
  readonly socket: Socket;
  received(): string;
  /** Waits until this has been received, and tells what has. */
  receives(text: string): Promise<string>;
  /** Resolves when the connection is over. */
  readonly closed: Promise<void>;
}

/** Header lines of a good opening handshake. */
export const HANDSHAKE: string = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n`;

/** Connects and sends these bytes. */
export function openWebSocket({ port, tls: secure }: WireOptions, bytes: string): WebSocketClient {
  const socket =
    secure === undefined
      ? net.connect(port, '127.0.0.1')
      : tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ...secure });
  let received = '';
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.on('close', () => resolve());
  socket.write(bytes, 'latin1');
  return {
    socket,
    closed,
    received: () => received,
    receives: async (text) => {
      await until(() => received.includes(text) || socket.destroyed);
      return received;
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

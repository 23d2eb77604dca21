/** One keep-alive connection over mutual TLS that speaks just enough HTTP for answers with a Content-Length. */
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

export interface Target {
  readonly port: number;
  readonly ca: string;
  /** Chain and key. */
  readonly clientPem: string;
}

export interface Connection {
  /** @returns the status of the answer, when all of it is there */
  ask(request: Buffer): Promise<number>;
  close(): void;
}

export function connect({ port, ca, clientPem }: Target): Promise<Connection> {
  const pem = readFileSync(clientPem);
  const socket = tls.connect({ port, host: '127.0.0.1', ca: readFileSync(ca), cert: pem, key: pem });
  socket.setNoDelay(true);
  let waiting: PromiseWithResolvers<number> | undefined;
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    const status = statusOfWhole(received);
    if (status === undefined) return;
    received = '';
    waiting?.resolve(status);
  });
  const ask = (request: Buffer): Promise<number> => {
    waiting = Promise.withResolvers();
    socket.write(request);
    return waiting.promise;
  };
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      waiting?.reject(error);
      reject(error);
    };
    socket.once('error', failed);
    socket.once('close', () => failed(new Error('the connection was closed')));
    socket.once('secureConnect', () => resolve({ ask, close: () => socket.destroy() }));
  });
}

export function getRequest(token: string): Buffer {
  return Buffer.from(`GET /orders/42 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`);
}

/** @returns undefined while the answer is not complete */
function statusOfWhole(received: string): number | undefined {
  const head = received.indexOf('\r\n\r\n');
  if (head < 0) return undefined;
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(received.slice(0, head))?.[1] ?? Number.NaN);
  if (Number.isNaN(length)) throw new Error(`an answer without a length: ${received.slice(0, head)}`);
  return received.length >= head + 4 + length ? Number(received.slice(9, 12)) : undefined;
}

/**
 * One listening socket speaking HTTP/1.1, plain or TLS. What a connection brings that is no request is handed to the
 * pipeline like a request, so that all refusals look alike and all of them are audited.
 */
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { setImmediate as turnEnd } from 'node:timers/promises';
import tls, { type TLSSocket, Server as TlsServer } from 'node:tls';
import type { Problem } from '@sidegate/sdk';
import { fieldLine } from './fields.ts';
import type { Reply } from './reply.ts';
import type { RequestBody } from './request-body.ts';
import type { RequestHead } from './request-head.ts';
import { type ConnectionScope, ServerConnection } from './server-connection.ts';
import { type ServerTls, serverTlsOptions } from './tls-context.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly tls?: ServerTls;
  /** For the handshake, and until a whole request head has arrived. */
  readonly readTimeoutMs: number;
  /** A client that neither sends on nor takes its answer for that long is cut. */
  readonly writeTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxHeaderBytes: number;
  /** More are closed as they come; absent: as many as the system allows. */
  readonly maxConnections?: number;
}

/** One request, read up to its body. */
export interface InboundRequest extends RequestHead {
  /** Undefined when there is none to read. */
  readonly body: RequestBody | undefined;
  /** `Content-Length: 0` was sent. */
  readonly announcedEmpty: boolean;
  /** What the client sends behind a request for an upgrade; nothing may come before it is agreed to. */
  readonly tunnel: RequestBody | undefined;
  readonly socket: Socket;
}

export interface ListenerHandlers {
  /** `Expect: 100-continue` has not been answered. */
  readonly request: (request: InboundRequest, reply: Reply) => ExchangeWatch;
  /** Bytes that are no request; what is known of it, if anything. The connection ends after this reply. */
  readonly malformed: (problem: Problem, head: RequestHead | undefined, reply: Reply) => void;
  /** Whether a connection may wait for another request; asked at intervals, of idle ones. */
  readonly mayStay: (socket: Socket) => boolean;
  /** A TLS handshake that failed; the socket is gone. `code` is OpenSSL's or Node's. */
  readonly handshakeFailed: (code: string, remoteAddress: string | undefined) => void;
}

/** Told of what befalls an exchange that is under way. */
export interface ExchangeWatch {
  /** The client is gone. */
  aborted(): void;
  /** What should have been the rest of the body was none. */
  broken(problem: Problem): void;
}

export interface Listener {
  readonly address: AddressInfo;
  /** Open now, those in the handshake included. */
  readonly connections: number;
  /** Closed as they came, because there were too many. */
  readonly turnedAway: number;
  /** For the handshakes that come; {@link ServerTls.clientAuth} stays what it was. */
  setTls(tls: ServerTls): void;
  /** Ends the connections that do not hold up: idle ones now, the others after the answer that is under way. */
  dismissUnless(holdsUp: (socket: Socket) => boolean): void;
  /** Cuts the connections that do not hold up, whatever is under way on them. */
  cutUnless(holdsUp: (socket: Socket) => boolean): void;
  /** Stops accepting, lets exchanges finish, and after `graceMs` cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/** Late clients are looked for this often, or an eighth of the shortest timeout. */
const MAX_INTERVAL_MS = 1_000;
const MIN_INTERVAL_MS = 10;

export async function listen(options: ListenerOptions, handlers: ListenerHandlers): Promise<Listener> {
  const connections = new Set<ServerConnection>();
  const scope: ConnectionScope = {
    handlers,
    maxHeaderBytes: options.maxHeaderBytes,
    now: performance.now(),
    dateLine: dateLine(),
    closing: false,
    onClosed: (connection) => connections.delete(connection),
  };
  const onConnection = (socket: Socket): void => {
    connections.add(new ServerConnection(socket, scope));
  };
  const server =
    options.tls === undefined
      ? net.createServer({ noDelay: true }, onConnection)
      : tlsServer(options.tls, options.readTimeoutMs, handlers).on('secureConnection', onConnection);
  /** Those in the handshake included. */
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  let turnedAway = 0;
  if (options.maxConnections !== undefined) {
    // Among several workers too, or one that comes would be offered to each of them again and again; Node's types lack it.
    Object.assign(server, { maxConnections: options.maxConnections, dropMaxConnection: true });
  }
  server.on('drop', () => (turnedAway += 1));
  const { readTimeoutMs, writeTimeoutMs, idleTimeoutMs } = options;
  const shortest = Math.min(readTimeoutMs, writeTimeoutMs, idleTimeoutMs);
  const interval = setInterval(
    () => {
      scope.now = performance.now();
      scope.dateLine = dateLine();
      for (const connection of connections) {
        connection.checkTime(scope.now, options);
        if (connection.idle && !handlers.mayStay(connection.socket)) connection.destroy();
      }
    },
    Math.max(MIN_INTERVAL_MS, Math.min(MAX_INTERVAL_MS, shortest / 8)),
  ).unref();
  await opened(server, options);
  // A connection that the system could not hand over, for want of a descriptor or of memory: it is lost, the others are not.
  server.on('error', () => (turnedAway += 1));
  return {
    address: server.address() as AddressInfo,
    get connections() {
      return sockets.size;
    },
    get turnedAway() {
      return turnedAway;
    },
    setTls(tls) {
      if (server instanceof TlsServer) server.setSecureContext(serverTlsOptions(tls));
    },
    dismissUnless(holdsUp) {
      for (const connection of connections) if (!holdsUp(connection.socket)) connection.dismiss();
    },
    cutUnless(holdsUp) {
      for (const connection of connections) if (!holdsUp(connection.socket)) connection.destroy();
    },
    async close(graceMs) {
      scope.closing = true;
      // What has arrived is still answered.
      await turnEnd();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) if (connection.idle) connection.destroy();
      const cut = setTimeout(() => {
        for (const connection of connections) connection.destroy();
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      await turnEnd();
      clearTimeout(cut);
      clearInterval(interval);
    },
  };
}

function tlsServer(secure: ServerTls, handshakeTimeout: number, handlers: ListenerHandlers): tls.Server {
  const server = tls.createServer({ ...serverTlsOptions(secure), handshakeTimeout, noDelay: true });
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    // Node cuts off a certificate that does not verify; what was wrong with it stands on the socket.
    const reason: unknown = socket.authorizationError ?? ('code' in error ? error.code : undefined);
    const code = typeof reason === 'string' ? reason : 'unknown';
    handlers.handshakeFailed(code, remoteAddressOf(socket));
    socket.destroy();
  });
  return server;
}

function dateLine(): string {
  return fieldLine('Date', new Date().toUTCString());
}

function opened(server: Server, { port, host }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

function remoteAddressOf(socket: TLSSocket): string | undefined {
  const { _parent: parent } = socket as TLSSocket & { _parent?: Socket };
  return socket.remoteAddress ?? parent?.remoteAddress;
}

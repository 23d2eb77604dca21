/**
 * One listening socket speaking HTTP/1.1 by llhttp's strict rules, plain or TLS. Every event that Node would
 * answer by itself (bad framing, Expect, Upgrade, CONNECT, a missing Host) is handed to the pipeline instead,
 * so that all refusals look alike and all of them are audited.
 */
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { type ServerTls, serverTlsOptions } from './tls-context.ts';
import { takeTurns } from './turns.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly tls?: ServerTls;
  /** Until the whole request head has arrived. */
  readonly readTimeoutMs: number;
  /** A client that neither sends on nor takes its answer for that long is cut. */
  readonly writeTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxHeaderBytes: number;
}

export interface ListenerHandlers {
  /** A parsed request head; `Expect: 100-continue` has not been answered. */
  readonly request: (request: IncomingMessage, response: ServerResponse) => void;
  /** `Upgrade` or CONNECT: the socket is the caller's to answer and to end. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex) => void;
  /**
   * Bytes that are no HTTP request, told once for each connection. `unfinished` is the request whose body they
   * should have been; without one the socket is the caller's to answer and to end, after all earlier answers.
   */
  readonly unparseable: (failure: ParseFailure, socket: Duplex, unfinished: IncomingMessage | undefined) => void;
  /** A TLS handshake that failed; the socket is gone. `code` is OpenSSL's or Node's. */
  readonly handshakeFailed: (code: string, remoteAddress: string | undefined) => void;
}

/** What llhttp or Node says about bytes that are no request. */
export interface ParseFailure {
  readonly code: string;
  readonly reason: string;
}

export interface Listener {
  readonly address: AddressInfo;
  /** Stops accepting, lets exchanges finish, and after `graceMs` cuts what is left. */
  close(graceMs: number): Promise<void>;
}

export async function listen(options: ListenerOptions, handlers: ListenerHandlers): Promise<Listener> {
  const server = createServer(options);
  // Node hides fields past its own limit but still frames by them; 0 = show all, the pipeline counts.
  server.maxHeadersCount = 0;
  server.timeout = options.writeTimeoutMs;
  server.keepAliveTimeout = options.idleTimeoutMs;
  server.headersTimeout = options.readTimeoutMs;
  const turns = takeTurns(handlers);
  server.on('request', turns.request);
  server.on('checkContinue', turns.request);
  server.on('checkExpectation', turns.request);
  server.on('timeout', (socket: Socket) => {
    // How long a service may take is for the upstream's own timeout to say.
    if (!turns.isWaiting(socket)) socket.destroy();
  });
  const onUpgrade = (request: IncomingMessage, socket: Duplex): void => {
    // INVARIANT: Node takes its own listener off a socket that it hands over, and a reset nobody hears ends the process.
    socket.on('error', () => socket.destroy());
    turns.upgrade(request, socket);
  };
  server.on('upgrade', onUpgrade);
  server.on('connect', onUpgrade);
  const secured = new WeakSet<Duplex>();
  server.on('secureConnection', (socket: TLSSocket) => secured.add(socket));
  server.on('clientError', (error: NodeJS.ErrnoException & { readonly reason?: string }, socket: Duplex) => {
    // Node reports a failed handshake here as well; `tlsClientError` below is told the same.
    if (options.tls !== undefined && !secured.has(socket)) return;
    // A peer that hung up, and a connection that we cut: nothing arrived that could be refused.
    if (socket.destroyed) return;
    turns.unparseable({ code: error.code ?? 'unknown', reason: error.reason ?? '' }, socket);
  });
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    // Node cuts off a certificate that does not verify; what was wrong with it stands on the socket.
    const reason: unknown = socket.authorizationError ?? ('code' in error ? error.code : undefined);
    const code = typeof reason === 'string' ? reason : 'unknown';
    handlers.handshakeFailed(code, remoteAddressOf(socket));
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  return { address: server.address() as AddressInfo, close: (graceMs) => closeServer(server, graceMs) };
}

function createServer(options: ListenerOptions): Server | https.Server {
  const shared: http.ServerOptions = {
    maxHeaderSize: options.maxHeaderBytes,
    // Node looks for late heads this often, by default every 30 seconds.
    connectionsCheckingInterval: Math.min(options.readTimeoutMs, 1_000),
    requireHostHeader: false,
    insecureHTTPParser: false,
    keepAlive: true,
    noDelay: true,
  };
  return options.tls === undefined
    ? http.createServer(shared)
    : https.createServer({ ...shared, ...serverTlsOptions(options.tls) });
}

function remoteAddressOf(socket: TLSSocket): string | undefined {
  const { _parent: parent } = socket as TLSSocket & { _parent?: Socket };
  return socket.remoteAddress ?? parent?.remoteAddress;
}

async function closeServer(server: Server | https.Server, graceMs: number): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await closed;
  clearTimeout(cut);
}

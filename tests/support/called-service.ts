/** A service that others call, on a real socket: it remembers what it was asked, and answers whatever a test wants. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import https, { type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';

interface ReceivedCall {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Common name of the certificate that the caller showed; undefined: none. */
  readonly caller: string | undefined;
}

/** `reset` breaks the connection, `silence` never answers. */
type CallAnswer =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  | 'reset'
  | 'silence';

interface CalledService extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Oldest first. */
  readonly calls: readonly ReceivedCall[];
  /** Connections that were opened so far. */
  readonly connections: () => number;
  answer: (call: ReceivedCall) => CallAnswer | Promise<CallAnswer>;
}

export interface CalledServiceOptions {
  /** Absent: plain HTTP. */
  readonly tls?: ServerOptions;
  /** 200 with `{}` by default. */
  readonly answer?: CalledService['answer'];
}

export async function startCalledService({
  tls,
  answer = () => ({}),
}: CalledServiceOptions = {}): Promise<CalledService> {
  const calls: ReceivedCall[] = [];
  let opened = 0;
  const server = tls === undefined ? createServer() : https.createServer(tls);
  server.on(tls === undefined ? 'connection' : 'secureConnection', () => (opened += 1));
  server.on('request', (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const subject = tls === undefined ? undefined : (request.socket as TLSSocket).getPeerCertificate().subject;
      const call = {
        method: request.method ?? '',
        target: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
        caller: typeof subject?.CN === 'string' ? subject.CN : undefined,
      };
      calls.push(call);
      void Promise.resolve(service.answer(call)).then((chosen) => {
        if (chosen === 'reset') request.socket.destroy();
        if (typeof chosen === 'string') return;
        const { status = 200, headers = {}, body = {} } = chosen;
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const service: CalledService = {
    url: `${tls === undefined ? 'http' : 'https'}://localhost:${port}`,
    port,
    calls,
    connections: () => opened,
    answer,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return service;
}

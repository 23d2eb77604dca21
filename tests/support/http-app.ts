/** The service behind a sidecar: answers every request and remembers what it got. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly body: string;
  /** Common name of the client certificate, over mutual TLS. */
  readonly clientName: string | undefined;
}

/** PEM texts; a client certificate of `ca` is required. */
export interface AppTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface HttpApp extends AsyncDisposable {
  readonly port: number;
  readonly seen: SeenRequest[];
  /** Bytes received so far, whole requests or not. */
  readonly received: number;
}

type Answer = (request: SeenRequest, response: ServerResponse) => void;

const OK: Answer = (_request, response) => {
  response.setHeader('Content-Type', 'application/json').end('{"ok":true}');
};

export async function startHttpApp(answer: Answer = OK, tls?: AppTls): Promise<HttpApp> {
  const seen: SeenRequest[] = [];
  const onRequest = (incoming: IncomingMessage, response: ServerResponse): void => void handle(incoming, response);
  const server =
    tls === undefined ? createServer(onRequest) : https.createServer({ ...tls, requestCert: true }, onRequest);
  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    try {
      for await (const chunk of incoming) body += String(chunk);
    } catch {
      return;
    }
    const { method = '', url = '', rawHeaders } = incoming;
    const request = { method, url, rawHeaders, body, clientName: clientNameOf(incoming) };
    seen.push(request);
    answer(request, response);
  };
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    get received() {
      return sockets.reduce((total, { bytesRead }) => total + bytesRead, 0);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function clientNameOf({ socket }: IncomingMessage): string | undefined {
  const subject = socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.subject : undefined;
  return subject === undefined ? undefined : /CN=([^\n]+)/.exec(subject)?.[1];
}

/** Every value of a header, in order. */
export function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === name.toLowerCase()) values.push(rawHeaders[i + 1] ?? '');
  }
  return values;
}

/** A token endpoint that answers whatever a test wants, on a real loopback socket, and remembers what it was asked. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HttpClient } from '@sidegate/sdk';
import { createHttpClient } from '../../packages/sidegate/src/net/http-client.ts';

interface TokenRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly form: URLSearchParams;
}

/** `reset` breaks the connection, `silence` never answers. */
export type TokenAnswer =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body: unknown }
  | 'reset'
  | 'silence';

export interface TokenEndpoint extends AsyncDisposable {
  readonly url: string;
  /** Oldest first. */
  readonly requests: readonly TokenRequest[];
  /** The product's own client, so that limits and redirects behave as they will. */
  readonly http: HttpClient;
  /** What it answers from now on; a body that is not a string is sent as JSON. */
  answer: (request: TokenRequest) => TokenAnswer | Promise<TokenAnswer>;
}

export async function startTokenEndpoint(answer: TokenEndpoint['answer']): Promise<TokenEndpoint> {
  const requests: TokenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const received = { method: request.method, url: request.url, headers: request.headers, form };
      requests.push(received);
      void Promise.resolve(endpoint.answer(received)).then((chosen) => {
        if (chosen === 'reset') request.socket.resetAndDestroy();
        if (typeof chosen === 'string') return;
        const body = typeof chosen.body === 'string' ? chosen.body : JSON.stringify(chosen.body);
        response.writeHead(chosen.status ?? 200, { 'content-type': 'application/json', ...chosen.headers }).end(body);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createHttpClient({ connectTo: new Map() });
  const endpoint: TokenEndpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/realms/services/protocol/openid-connect/token`,
    requests,
    http: client.send,
    answer,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return endpoint;
}

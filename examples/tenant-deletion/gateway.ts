/** The gateway: TLS outside, a verified token or a refusal, and the service behind the first part of the path. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { asProblem, readBearer } from '@sidegate/sdk';
import type { JWTHandler } from '@sidegate/sdk/service-tokens';

export interface GatewayOptions {
  readonly tls: { readonly key: string; readonly cert: string };
  readonly tokens: JWTHandler;
  /** First part of the path after `/api/v1/` → origin. */
  readonly origins: ReadonlyMap<string, string>;
  readonly log: (line: string) => void;
  readonly port?: number;
}

export interface Gateway {
  /** `https://localhost:<port>`. */
  readonly url: string;
  stop(): Promise<void>;
}

export async function startGateway({ tls, tokens, origins, log, port = 0 }: GatewayOptions): Promise<Gateway> {
  const server = createServer(tls, (request, response) => {
    void handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const claims = await tokens.verify(readBearer(request.rawHeaders));
      const { type, service } = claims;
      if (type === 'service' && typeof service === 'string') log(`Service authentication: ${service}`);
    } catch (error) {
      const { code, row } = asProblem(error);
      response.writeHead(row.status, { 'content-type': 'application/problem+json', 'www-authenticate': 'Bearer' });
      response.end(JSON.stringify({ title: row.title, status: row.status, code }));
      return;
    }
    const origin = origins.get(/^\/api\/v1\/([a-z-]+)\//.exec(request.url ?? '')?.[1] ?? '');
    if (origin === undefined) {
      response.writeHead(404).end();
      return;
    }
    await forward(request, response, origin);
  }
}

async function forward(request: IncomingMessage, response: ServerResponse, origin: string): Promise<void> {
  const { method, url, headers } = request;
  const answer = await new Promise<IncomingMessage | undefined>((resolve) => {
    httpRequest(`${origin}${url}`, { method, headers, timeout: 5_000 }, resolve)
      .once('error', () => resolve(undefined))
      .end();
  });
  if (answer === undefined) {
    response.writeHead(502, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ title: 'The service cannot be reached', status: 502, code: 'upstream_unreachable' }));
    return;
  }
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  await pipeline(answer, response);
}

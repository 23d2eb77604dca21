/**
 * The gateway: TLS outside, a verified token or a refusal, and the service behind the first part of the path. What clients say of
 * themselves is taken away; what the token says, and the token itself, goes on.
 */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { createGateway, type GatewayEvent, gatewayMiddleware } from '@sidegate/sdk/gateway';
import type { JWTHandler } from '@sidegate/sdk/service-tokens';

export interface RunningGatewayOptions {
  readonly tls: { readonly key: string; readonly cert: string };
  readonly tokens: JWTHandler;
  /** First part of the path after `/api/v1/` → origin. */
  readonly origins: ReadonlyMap<string, string>;
  readonly log: (event: GatewayEvent) => void;
  readonly port?: number;
}

export interface RunningGateway {
  /** `https://localhost:<port>`. */
  readonly url: string;
  stop(): Promise<void>;
}

const TIMEOUT_MS = 5_000;

export async function startGateway(options: RunningGatewayOptions): Promise<RunningGateway> {
  const { tls, tokens, origins, log, port = 0 } = options;
  const authenticate = gatewayMiddleware(createGateway({ tokens, log }));
  const server = createServer(tls, (request, response) => {
    authenticate(request, response, (error) => {
      const origin = origins.get(/^\/api\/v1\/([a-z-]+)\//.exec(request.url ?? '')?.[1] ?? '');
      if (error !== undefined) refuse(response, 500, 'internal');
      else if (origin === undefined) refuse(response, 404, 'route_not_found');
      else forward(request, response, origin);
    }).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(request: IncomingMessage, response: ServerResponse, origin: string): void {
  const { method, url, headers } = request;
  const outgoing = httpRequest(`${origin}${url}`, { method, headers, timeout: TIMEOUT_MS });
  outgoing.once('timeout', () => outgoing.destroy());
  outgoing.once('error', () => refuse(response, 502, 'upstream_unreachable'));
  outgoing.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    void pipeline(answer, response).catch(() => response.destroy());
  });
  void pipeline(request, outgoing).catch(() => outgoing.destroy());
}

function refuse(response: ServerResponse, status: number, code: string): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ status, code }));
}

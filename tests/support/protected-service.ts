/** A service as its developers write it: Express over TLS, two routes for services that are allowed to call, refusals in plain words. */
import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { expressGuards } from '@sidegate/sdk/express';
import { type Authenticator, type RouteRule, serviceAuth } from '@sidegate/sdk/server';
import express from 'express';

export interface ProtectedService extends AsyncDisposable {
  readonly port: number;
  /** What was let in, as `GET /internal/data`. */
  readonly served: readonly string[];
}

export interface ProtectedServiceOptions {
  readonly name: string;
  readonly authenticator: Authenticator;
  readonly tls: https.ServerOptions;
  readonly rule?: RouteRule;
  /** Default: whichever is free. */
  readonly port?: number;
}

export async function startProtectedService(options: ProtectedServiceOptions): Promise<ProtectedService> {
  const { name, authenticator, tls, rule = { service: true }, port = 0 } = options;
  const auth = serviceAuth({ service: name, authenticator, errors: 'detail' });
  const guards = expressGuards(auth);
  const served: string[] = [];
  const app = express();
  const guard = guards.serviceOnly(rule);
  app.get('/internal/data', guard, (request, response) => {
    served.push('GET /internal/data');
    response.json({ data: 'sensitive', called_by: request.principal?.service?.name });
  });
  app.post('/process', guard, (request, response) => {
    served.push('POST /process');
    response.json({ status: 'processed', from: request.principal?.service?.name });
  });
  guards.requireRules(app);
  const server = https.createServer(tls, app);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    served,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      auth.close();
    },
  };
}

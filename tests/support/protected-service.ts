/** A service as its developers write it: Express over TLS, two routes for services that are allowed to call, refusals in plain words. */
import type https from 'node:https';
import { expressGuards } from '@sidegate/sdk/express';
import { type Authenticator, type RouteRule, serviceAuth } from '@sidegate/sdk/server';
import express from 'express';
import { startHttpsApp } from './https-app.ts';

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
  const { port: listening, ...started } = await startHttpsApp(app, tls, port);
  return {
    port: listening,
    served,
    async [Symbol.asyncDispose]() {
      await started[Symbol.asyncDispose]();
      auth.close();
    },
  };
}

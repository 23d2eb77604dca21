/** `@sidegate/sdk/express`: guards for the routes of Express 5. */
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { within } from '../context/call-context.ts';
import type { Answer } from '../server/answer.ts';
import { createGuards, type Guards, requireRules } from '../server/guards.ts';
import { createNodeRequests } from '../server/node-request.ts';
import type { Principal } from '../server/principal.ts';
import type { Admission, ServiceAuth } from '../server/service-auth.ts';
import { type ExpressRouter, expressRoutes } from './express-routes.ts';

declare global {
  namespace Express {
    interface Request {
      /** Who calls; undefined on public routes. */
      principal?: Principal | undefined;
      callerService?: string;
      callerScopes?: readonly string[];
      /** Only where a service calls on behalf of a user. */
      propagatedUserId?: string;
    }
  }
}

export interface ExpressGuards extends Guards<RequestHandler> {
  /** Stops the start when a route of this application, or of a router mounted in it, has no rule. */
  requireRules(app: ExpressRouter): void;
  /** Mounted last: answers refusals that handlers threw, and passes every other error on. */
  readonly refusals: ErrorRequestHandler;
}

/**
 * Guards for the routes of an application and its routers.
 *
 * @example
 * ```ts
 * import { expressGuards } from '@sidegate/sdk/express';
 * import express from 'express';
 * import { bearer, serviceAuth } from '@sidegate/sdk/server';
 *
 * const tokens = bearer({ issuers: ['https://idp.example.com/realms/services'], audience: 'payment-service' });
 * const guards = expressGuards(serviceAuth({ service: 'payment-service', authenticator: tokens }));
 * const app = express();
 * app.post('/charge', guards.requireServiceAuth(['payment:charge']), (request, response) => {
 *   response.json({ caller: request.callerService });
 * });
 * guards.requireRules(app);
 * app.use(guards.refusals);
 * ```
 */
export function expressGuards(auth: ServiceAuth): ExpressGuards {
  const received = createNodeRequests();
  const guards = createGuards<RequestHandler>(auth, ({ admit }) => (request, response, next) => {
    const settle = (admission: Admission): void => {
      if (!admission.ok) return send(response, admission.answer);
      remember(request, admission.principal);
      return within(admission.context, next);
    };
    const name = `${request.method} ${request.baseUrl}${String(request.route?.path ?? request.path)}`;
    const admission = admit(received(request, request.originalUrl), { name, params: request.params });
    return admission instanceof Promise ? admission.then(settle) : settle(admission);
  });
  const refusals: ErrorRequestHandler = (error, _request, response, next) => {
    const answer = response.headersSent ? undefined : auth.refusal(error);
    return answer === undefined ? next(error) : send(response, answer);
  };
  return { ...guards, refusals, requireRules: (app) => requireRules(auth.service, expressRoutes(app), guards) };
}

function remember(request: Request, principal: Principal | undefined): void {
  request.principal = principal;
  if (principal?.service === undefined) return;
  request.callerService = principal.service.name;
  request.callerScopes = principal.scopes;
  if (principal.user !== undefined) request.propagatedUserId = principal.user.id;
}

function send(response: Response, { status, headers, body }: Answer): void {
  response.writeHead(status, headers).end(body);
}

/** `@sidegate/sdk/fastify`: guards for the routes of Fastify 5, as `onRequest` hooks. */
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { within } from '../context/call-context.ts';
import type { Answer } from '../server/answer.ts';
import { createGuards, type Guards, requireRules } from '../server/guards.ts';
import { createNodeRequests } from '../server/node-request.ts';
import type { Principal } from '../server/principal.ts';
import type { ServiceAuth } from '../server/service-auth.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; undefined on public routes. */
    principal?: Principal | undefined;
  }
}

export interface FastifyGuards extends Guards<onRequestHookHandler> {
  /** Called before routes are registered: one without a rule stops the start. */
  requireRules(app: FastifyInstance): void;
  /** For `setErrorHandler`: answers refusals that handlers threw, and passes every other error on. */
  readonly refusals: (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;
}

/**
 * Guards as `onRequest` hooks, so that a refused body is not even read.
 *
 * @example
 * ```ts
 * import { fastifyGuards } from '@sidegate/sdk/fastify';
 * import fastify from 'fastify';
 * import { bearer, serviceAuth } from '@sidegate/sdk/server';
 *
 * const tokens = bearer({ issuers: ['https://idp.example.com/realms/services'], audience: 'payment-service' });
 * const guards = fastifyGuards(serviceAuth({ service: 'payment-service', authenticator: tokens }));
 * const app = fastify();
 * guards.requireRules(app);
 * app.setErrorHandler(guards.refusals);
 * app.post('/charge', { onRequest: guards.requireServiceAuth(['payment:charge']) }, ({ principal }) => ({
 *   caller: principal?.service?.name,
 * }));
 * ```
 */
export function fastifyGuards(auth: ServiceAuth): FastifyGuards {
  const received = createNodeRequests();
  const guards = createGuards<onRequestHookHandler>(auth, ({ admit }) => (request, reply, done) => {
    const name = `${request.method} ${request.routeOptions.url ?? request.url}`;
    const params = request.params as Readonly<Record<string, string>>;
    const admitted = async () => admit(received(request.raw, request.originalUrl), { name, params });
    admitted().then((admission) => {
      if (!admission.ok) return void send(reply, admission.answer);
      request.principal = admission.principal;
      return within(admission.context, done);
    }, done);
  });
  return {
    ...guards,
    requireRules: (app) =>
      void app.addHook('onRoute', ({ method, url, onRequest, handler }) => {
        const name = `${[method].flat().join(', ')} ${url}`;
        requireRules(auth.service, [{ name, handlers: [onRequest, handler].flat() }], guards);
      }),
    refusals: (error, _request, reply) => {
      const answer = auth.refusal(error);
      if (answer === undefined) throw error;
      return send(reply, answer);
    },
  };
}

function send(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  return reply.code(status).headers(headers).send(body);
}

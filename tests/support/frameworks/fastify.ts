import { fastifyGuards } from '@sidegate/sdk/fastify';
import fastify from 'fastify';
import type { Framework } from './guarded-service.ts';
import { createGuardedServer, serving } from './serving.ts';

export const startFastify: Framework = async ({ auth, routes, tls }) => {
  const app = fastify({
    serverFactory: (handler) => createGuardedServer(handler, tls),
  });
  const guards = fastifyGuards(auth);
  guards.requireRules(app);
  app.setErrorHandler(guards.refusals);
  for (const { method, path, rule, handle } of routes) {
    app.route({
      method,
      url: path,
      ...(rule === undefined ? {} : { onRequest: rule(guards) }),
      handler: (request, reply) => {
        const { status, body } = handle(request.principal, request.params as Readonly<Record<string, string>>);
        return reply.code(status).send(body);
      },
    });
  }
  await app.ready();
  return serving(app.server);
};

import { expressGuards } from '@sidegate/sdk/express';
import express from 'express';
import type { Framework } from './guarded-service.ts';
import { createGuardedServer, serving } from './serving.ts';

export const startExpress: Framework = async ({ auth, routes, tls }) => {
  const app = express();
  app.set('env', 'test');
  const guards = expressGuards(auth);
  for (const { method, path, rule, handle } of routes) {
    const verb = method.toLowerCase() as Lowercase<typeof method>;
    app[verb](path, ...(rule === undefined ? [] : [rule(guards)]), (request, response) => {
      const { status, body } = handle(request.principal, request.params);
      response.status(status).json(body);
    });
  }
  guards.requireRules(app);
  app.use(guards.refusals);
  return serving(createGuardedServer(app, tls));
};

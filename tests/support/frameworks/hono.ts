import { getRequestListener } from '@hono/node-server';
import { type GuardedEnv, honoGuards } from '@sidegate/sdk/hono';
import { Hono } from 'hono';
import type { Framework } from './guarded-service.ts';
import { createGuardedServer, serving } from './serving.ts';

export const startHono: Framework = async ({ auth, routes, tls }) => {
  const app = new Hono<GuardedEnv>();
  const guards = honoGuards(auth);
  app.onError(guards.refusals);
  app.use('*', (_, next) => next());
  for (const { method, path, rule, handle } of routes) {
    const before = rule === undefined ? [] : [rule(guards)];
    app.on(method, [path], ...before, (c) => {
      const { status, body } = handle(c.get('principal'), c.req.param());
      return Response.json(body, { status });
    });
  }
  guards.requireRules(app);
  const listener = getRequestListener(app.fetch);
  return serving(createGuardedServer(listener, tls));
};

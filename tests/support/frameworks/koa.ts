import { koaGuards } from '@sidegate/sdk/koa';
import Koa, { type Middleware } from 'koa';
import type { Framework } from './guarded-service.ts';
import { createGuardedServer, serving } from './serving.ts';

/** Routes kept as `@koa/router` keeps them, without its dependencies. */
interface Layer {
  readonly path: string;
  readonly methods: readonly string[];
  readonly stack: readonly Middleware[];
}

export const startKoa: Framework = async ({ auth, routes, tls }) => {
  const guards = koaGuards(auth);
  const stack = routes.map(({ method, path, rule, handle }): Layer => {
    const handler: Middleware = (ctx) => {
      const { status, body } = handle(ctx.state['principal'], ctx['params']);
      ctx.status = status;
      ctx.body = body;
    };
    return { path, methods: [method], stack: [...(rule === undefined ? [] : [rule(guards)]), handler] };
  });
  guards.requireRules({ stack });
  const app = new Koa();
  app.silent = true;
  app.use(guards.refusals).use(router(stack));
  const listener = app.callback();
  return serving(createGuardedServer(listener, tls));
};

function router(stack: readonly Layer[]): Middleware {
  const layers = stack.map((layer) => ({
    ...layer,
    pattern: new RegExp(`^${layer.path.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`),
  }));
  return async (ctx, next) => {
    for (const { methods, path, pattern, stack: handlers } of layers) {
      const match = methods.includes(ctx.method) ? pattern.exec(ctx.path) : null;
      if (match === null) continue;
      Object.assign(ctx, { params: { ...match.groups }, _matchedRoute: path });
      const run = (index: number): Promise<unknown> =>
        Promise.resolve(handlers[index] === undefined ? next() : handlers[index](ctx, () => run(index + 1)));
      await run(0);
      return;
    }
    await next();
  };
}

/** The routes of a Koa router, each with everything that runs before its handler. */
import type { RegisteredRoute } from '../server/guards.ts';

/** As `@koa/router` keeps its routes; middleware of the router is among them, without methods. */
export interface KoaRouter {
  readonly stack: readonly KoaLayer[];
}

interface KoaLayer {
  readonly path: unknown;
  readonly methods: readonly string[];
  readonly stack: readonly unknown[];
}

export function koaRoutes({ stack }: KoaRouter): readonly RegisteredRoute[] {
  const routes = stack.filter(({ methods }) => methods.length > 0);
  return routes.map((each) => ({ name: `${each.methods.join(', ')} ${String(each.path)}`, handlers: each.stack }));
}

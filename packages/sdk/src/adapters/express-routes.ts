/** The routes that are registered with Express, method by method, each with everything that runs before its handler. */
import type { RegisteredRoute } from '../server/guards.ts';

/** An application, or a router. */
export type ExpressRouter = { readonly router: Stacked } | Stacked;

interface Stacked {
  readonly stack: readonly Layer[];
}

interface Layer {
  readonly handle: unknown;
  /** Undefined: every method. */
  readonly method?: string | undefined;
  readonly route?: { readonly path: unknown; readonly stack: readonly Layer[] } | undefined;
  /** Whether it runs for every path below its router. */
  readonly slash?: boolean;
}

export function expressRoutes(app: ExpressRouter): readonly RegisteredRoute[] {
  // An application is a function with a router, which is made when it is asked for.
  return routesOf('router' in app ? app.router : app, []);
}

function routesOf({ stack }: Stacked, above: readonly unknown[]): RegisteredRoute[] {
  const before = [...above];
  return stack.flatMap((layer) => {
    const { route, handle, slash = false } = layer;
    if (route !== undefined) return methodsOf(route, before);
    if (isStacked(handle)) return routesOf(handle, before);
    if (slash) before.push(handle);
    return [];
  });
}

function methodsOf({ path, stack }: NonNullable<Layer['route']>, before: readonly unknown[]): RegisteredRoute[] {
  const methods = new Set(stack.map(({ method }) => method));
  return [...methods].map((method) => ({
    name: `${method?.toUpperCase() ?? 'ALL'} ${String(path)}`,
    handlers: [
      ...before,
      ...stack.filter((each) => each.method === undefined || each.method === method).map(({ handle }) => handle),
    ],
  }));
}

function isStacked(handle: unknown): handle is Stacked {
  return typeof handle === 'function' && 'stack' in handle && Array.isArray(handle.stack);
}

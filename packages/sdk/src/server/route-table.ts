/** Routes by method and path, where there is no framework that finds them. */
import { Problem } from '../problem.ts';
import { splitTarget } from './request-path.ts';
import type { Route } from './route-rule.ts';

/**
 * @param routes by `METHOD /path/:parameter`
 * @returns what finds the entry of a request, and its parameters; throws Problem `route_not_found` or `path_ambiguous`
 * @throws RangeError for a name that is no method and path
 */
export function compileRoutes<T>(
  routes: Readonly<Record<string, T>>,
): (method: string, target: string) => readonly [entry: T, route: Route] {
  const compiled = Object.entries(routes).map(([name, entry]) => ({ name, entry, ...readName(name) }));
  return (method, target) => {
    const segments = splitTarget({ target }).path.split('/');
    for (const route of compiled) {
      const params = route.method === method ? matches(route.segments, segments) : undefined;
      if (params !== undefined) return [route.entry, { name: route.name, params }];
    }
    throw new Problem('route_not_found', `nothing is served at ${method} and this path`);
  };
}

function readName(name: string): { readonly method: string; readonly segments: readonly string[] } {
  const [, method, path] = /^([A-Z]+) (\/\S*)$/.exec(name) ?? [];
  if (method === undefined || path === undefined) {
    throw new RangeError(`${JSON.stringify(name)} is no route; write it like "GET /orders/:id"`);
  }
  return { method, segments: path.split('/') };
}

function matches(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (!part.startsWith(':')) {
      if (part !== segment) return undefined;
    } else if (segment === '') return undefined;
    else params[part.slice(1)] = decodeURIComponent(segment);
  }
  return params;
}

/** The route table: in order, first match wins, and what matches nothing does not exist. */
import { Problem } from '@sidegate/sdk';
import { compilePathGlob } from '../net/path-glob.ts';
import type { RequestTarget } from '../net/request-target.ts';
import { type PathRewrite, rewritePath } from '../net/rewrite-path.ts';
import type { TokenBuckets } from '../net/token-buckets.ts';
import type { Upstream } from '../net/upstream.ts';
import type { Credential } from '../proxy/credential.ts';

export interface Route extends PathRewrite {
  /** `*` is one segment, a final `**` is the path itself and everything below. */
  readonly path: string;
  /** Absent = every method. */
  readonly methods?: readonly string[];
  readonly upstream: Upstream;
  /** The upstream's name in logs: an egress target's name, else its origin. */
  readonly upstreamName: string;
  /** What the upstream wants to see that is made of the caller's token; absent: nothing. */
  readonly credential?: Credential;
  readonly authRequired: boolean;
  readonly authzRequired: boolean;
  /** A token must have all of them. */
  readonly requiredScopes: readonly string[];
  /** Whether an upgrade to a WebSocket may pass. */
  readonly websocket: boolean;
  /** Absent = only the general limit counts. */
  readonly rateLimit?: TokenBuckets;
}

export interface Routes {
  readonly table: readonly CompiledRoute[];
}

interface CompiledRoute {
  readonly route: Route;
  readonly matches: (path: string) => boolean;
}

export interface MatchedRoute {
  readonly route: Route;
  /** The path that the upstream gets, without the query. */
  readonly upstreamPath: string;
}

export function compileRoutes(routes: readonly Route[]): Routes {
  return { table: routes.map((route) => ({ route, matches: compilePathGlob(route.path) })) };
}

/**
 * @param method when another one than the request's own is asked about
 * @throws Problem `route_not_found`, or `method_not_allowed` when only the method was wrong
 */
export function matchRoute(target: RequestTarget, routes: Routes, method: string = target.method): MatchedRoute {
  const allow = new Set<string>();
  for (const { route, matches } of routes.table) {
    if (!matches(target.path)) continue;
    if (route.methods === undefined || route.methods.includes(method)) {
      return { route, upstreamPath: rewritePath(target.path, route) };
    }
    for (const other of route.methods) allow.add(other);
  }
  if (allow.size > 0) {
    throw new Problem('method_not_allowed', `no route takes ${method} on this path`, { allow: [...allow] });
  }
  throw new Problem('route_not_found', 'no route matches the path');
}

/** Stage 1: which target this local call is for. One of the two places that mint a permit. */
import { Problem } from '@sidegate/sdk';
import { hopByHopNames } from '../net/hop-by-hop.ts';
import type { InboundRequest } from '../net/listener.ts';
import { parseRequestTarget, type TargetLimits } from '../net/request-target.ts';
import { type PathRewrite, rewritePath } from '../net/rewrite-path.ts';
import type { Upstream } from '../net/upstream.ts';
import type { Credential } from '../proxy/credential.ts';
import type { Exchange } from '../proxy/exchange.ts';
import { mintPermit, type Permit } from '../proxy/permit.ts';
import type { VerifyTransaction } from '../proxy/transaction-token.ts';

export interface EgressTarget {
  readonly name: string;
  readonly upstream: Upstream;
  readonly credential: Credential;
  /** For the transaction tokens that are sent on; undefined: none is. */
  readonly verifyTransaction: VerifyTransaction | undefined;
}

export interface EgressRoute extends PathRewrite {
  /** Whole segments: `/data` is `/data` and what is below, not `/database`. */
  readonly pathPrefix: string;
  /** As it is at the moment of a call. */
  readonly target: () => EgressTarget;
  /** Absent = every method. */
  readonly methods?: readonly string[];
}

export interface MatchOptions {
  readonly limits: TargetLimits;
  /** In order, the first match wins. */
  readonly routes: readonly EgressRoute[];
}

export interface Matched {
  readonly permit: Permit;
  readonly target: EgressTarget;
  /** Lower-case names that end at this hop. */
  readonly hopByHop: ReadonlySet<string>;
}

/** A browser that was rebound to loopback still sends its own host name (corpus: DNS rebinding). */
const LOCAL_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** @throws Problem `route_not_found`, `misdirected_request`, `path_ambiguous`, … */
export function matchRoute(exchange: Exchange, request: InboundRequest, options: MatchOptions): Matched {
  const target = parseRequestTarget(request, options.limits);
  exchange.target = target;
  if (!LOCAL_HOSTS.has(target.host)) {
    throw new Problem('misdirected_request', 'the egress listener serves 127.0.0.1 and localhost only');
  }
  const hopByHop = hopByHopNames(request.fields, 'connection_option_forbidden');
  const route = options.routes.find(({ pathPrefix, methods }) => {
    const prefix = pathPrefix.replace(/\/$/, '');
    const below = target.path === prefix || target.path.startsWith(`${prefix}/`);
    return below && (methods === undefined || methods.includes(target.method));
  });
  if (route === undefined) throw new Problem('route_not_found', 'no egress route matches the path and method');
  const path = rewritePath(target.path, route);
  if (path.startsWith('/@')) throw new Problem('path_ambiguous', 'the forwarded path would start like an authority');
  const called = route.target();
  exchange.route = route.pathPrefix;
  exchange.decision = { allow: true, reasons: [`egress route ${route.pathPrefix} to ${called.name}`] };
  exchange.upstream = { name: called.name, path };
  const query = target.query === '' ? '' : `?${target.query}`;
  const permit = mintPermit({ upstream: called.upstream, method: target.method, path: `${path}${query}` });
  return { permit, target: called, hopByHop };
}

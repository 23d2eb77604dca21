/** Stage 1: one parse of the message; what is ambiguous, oversized or asks for something else ends here. */
import { Problem } from '@sidegate/sdk';
import { hopByHopNames } from '../net/hop-by-hop.ts';
import type { RequestHead } from '../net/request-head.ts';
import { parseRequestTarget, type RequestTarget, type TargetLimits } from '../net/request-target.ts';
import type { Exchange } from '../proxy/exchange.ts';
import type { IdentityHeaders } from '../proxy/identity-headers.ts';
import type { Cors } from './cors.ts';
import type { PublicPaths } from './public-paths.ts';
import { type MatchedRoute, matchRoute, type Routes } from './route.ts';
import { namesToken } from './token-parameter.ts';
import { refuseUpgrade } from './upgrade.ts';

export interface AcceptOptions {
  readonly limits: TargetLimits;
  readonly routes: Routes;
  readonly publicPaths: PublicPaths;
  /** Undefined: CORS is the service's own business. */
  readonly cors: Cors | undefined;
  readonly identityHeaders: IdentityHeaders;
}

export interface Accepted extends MatchedRoute {
  readonly target: RequestTarget;
  /** Why nobody has to prove anything; undefined: token, binding and policy are asked. */
  readonly open: string | undefined;
  /** It only asks what a page of another origin may do. */
  readonly preflight: boolean;
  /** Tells by lower-case name what the service does not get as it was sent: policies do not see it either. */
  readonly endsHere: (lowerName: string) => boolean;
}

/** @throws Problem */
export function accept(exchange: Exchange, request: RequestHead, options: AcceptOptions): Accepted {
  const { identityHeaders, cors } = options;
  exchange.corsLines = cors?.answerLines(request.fields);
  const target = parseRequestTarget(request, options.limits);
  exchange.target = target;
  refuseExpectation(request);
  refuseEarlyData(request);
  identityHeaders.refuseLookAlikes(request.fields);
  const hopByHop = hopByHopNames(request.fields, 'connection_option_forbidden');
  refuseQueryToken(target, request);
  const endsHere = (name: string): boolean => hopByHop.has(name) || identityHeaders.has(name);
  const publicPath = options.publicPaths(target.path);
  const asksAbout = cors?.preflightMethod(request);
  const { route, upstreamPath } = matchRoute(target, options.routes, asksAbout);
  exchange.route = route.path;
  refuseUpgrade(request, route);
  const preflight = asksAbout !== undefined;
  return { target, route, upstreamPath, open: openness(preflight, publicPath), preflight, endsHere };
}

function openness(preflight: boolean, publicPath: string | undefined): string | undefined {
  if (preflight) return 'a preflight of an allowed origin';
  return publicPath === undefined ? undefined : `${publicPath} is public`;
}

/** RFC 6750 section 2: one method of sending the token, and section 2.3 is one that ends up in logs. */
function refuseQueryToken({ query }: RequestTarget, { fields }: RequestHead): void {
  if (query === '' || !namesToken(query)) return;
  if (fields.has('authorization')) {
    throw new Problem('invalid_request', 'a token in the query beside one in the header');
  }
  throw new Problem('token_missing', 'a token in the query is never read');
}

/** RFC 8470 section 5.1: whatever its value is, what came before the handshake ended may have been sent before. */
function refuseEarlyData({ fields }: RequestHead): void {
  if (fields.has('early-data')) throw new Problem('too_early', 'the request may be a replay');
}

function refuseExpectation({ fields }: RequestHead): void {
  if (fields.has('expect') && fields.single('expect')?.toLowerCase() !== '100-continue') {
    throw new Problem('expectation_failed', 'Expect asks for something other than 100-continue');
  }
}

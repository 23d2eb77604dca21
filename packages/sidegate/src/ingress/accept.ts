/** Stage 1: one parse of the message; what is ambiguous, oversized or asks for something else ends here. */
import type { IncomingMessage } from 'node:http';
import { Problem } from '@sidegate/sdk';
import { hopByHopNames } from '../net/hop-by-hop.ts';
import { refuseDoubtfulFraming } from '../net/message-framing.ts';
import { parseRequestTarget, type RequestTarget, type TargetLimits } from '../net/request-target.ts';
import type { Exchange } from '../proxy/exchange.ts';
import { isIdentityHeader, refuseLookAlikes } from '../proxy/identity-headers.ts';
import { type MatchedRoute, matchRoute, type Routes } from './route.ts';

export interface AcceptOptions {
  readonly limits: TargetLimits;
  readonly routes: Routes;
  /** Lower-case names of the headers that this sidecar sets. */
  readonly identityHeaders: ReadonlySet<string>;
}

export interface Accepted {
  readonly target: RequestTarget;
  readonly route: MatchedRoute;
  /** Tells by lower-case name what the service does not get as it was sent: policies do not see it either. */
  readonly endsHere: (lowerName: string) => boolean;
}

/** @throws Problem */
export function accept(exchange: Exchange, request: IncomingMessage, options: AcceptOptions): Accepted {
  refuseDoubtfulFraming(request.httpVersion, request.rawHeaders);
  const target = parseRequestTarget(request, options.limits);
  exchange.target = target;
  refuseExpectation(request);
  refuseLookAlikes(request.rawHeaders, options.identityHeaders);
  const hopByHop = hopByHopNames(request.rawHeaders, 'connection_option_forbidden');
  refuseQueryToken(target, request);
  const endsHere = (name: string): boolean => hopByHop.has(name) || isIdentityHeader(name, options.identityHeaders);
  return { target, route: matchRoute(target, options.routes), endsHere };
}

/** RFC 6750 section 2: one method of sending the token, and section 2.3 is one that ends up in logs. */
function refuseQueryToken({ query }: RequestTarget, { headers }: IncomingMessage): void {
  if (!/(?:^|&)access_token=/.test(query)) return;
  if (headers.authorization !== undefined) {
    throw new Problem('invalid_request', 'a token in the query beside one in the header');
  }
  throw new Problem('token_missing', 'a token in the query is never read');
}

function refuseExpectation(request: IncomingMessage): void {
  const { expect } = request.headers;
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    throw new Problem('expectation_failed', 'Expect asks for something other than 100-continue');
  }
}

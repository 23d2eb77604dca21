/** Stage 1: one parse of the message; what is ambiguous, oversized or asks for something else ends here. */
import type { IncomingMessage } from 'node:http';
import { Problem } from '@sidegate/sdk';
import { hopByHopNames } from '../net/hop-by-hop.ts';
import { parseRequestTarget, type RequestTarget, type TargetLimits } from '../net/request-target.ts';
import { refuseLookAlikes } from '../proxy/identity-headers.ts';
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
  /** Lower-case names that end at this hop. */
  readonly hopByHop: ReadonlySet<string>;
}

/** @throws Problem */
export function accept(request: IncomingMessage, options: AcceptOptions): Accepted {
  const target = parseRequestTarget(
    {
      method: request.method ?? '',
      url: request.url ?? '',
      httpVersion: request.httpVersion,
      rawHeaders: request.rawHeaders,
    },
    options.limits,
  );
  refuseExpectation(request);
  refuseLookAlikes(request.rawHeaders, options.identityHeaders);
  const hopByHop = hopByHopNames(request.rawHeaders);
  if (/(?:^|&)access_token=/.test(target.query)) {
    throw new Problem('token_missing', 'a token in the query is never read');
  }
  return { target, route: matchRoute(target, options.routes), hopByHop };
}

function refuseExpectation(request: IncomingMessage): void {
  const { expect } = request.headers;
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    throw new Problem('expectation_failed', 'Expect asks for something other than 100-continue');
  }
}

/** Stage 6: the header fields that the service gets: the caller's without anything that looks like identity, and ours. */
import type { VerifiedToken } from '@sidegate/sdk';
import { claimHeaderValue } from '../proxy/claim-header.ts';
import { CORRELATION_HEADER } from '../proxy/correlation.ts';
import type { Exchange } from '../proxy/exchange.ts';
import { shapedHeaders } from '../proxy/headers.ts';
import { formatTraceparent } from '../telemetry/trace-context.ts';
import type { Accepted } from './accept.ts';
import { USER_CONTEXT_HEADER } from './user-context.ts';

export interface IngressHeaders {
  /** Claim path → header name. */
  readonly claims: readonly (readonly [claim: string, header: string])[];
  /** Forward the verified `Authorization` header. */
  readonly passToken: boolean;
  /** Lower-case name of the header that carried the token. */
  readonly tokenHeader: string;
  readonly preserveHost: boolean;
  /** Lower-case names to remove, and fields to set, as configured. */
  readonly remove: ReadonlySet<string>;
  readonly add: readonly (readonly [name: string, value: string])[];
}

/** @throws Problem `token_claim_unsafe` */
export function shapeHeaders(exchange: Exchange, { endsHere }: Accepted, headers: IngressHeaders): string[] {
  const dropped = new Set([...headers.remove, 'expect']);
  // Only what was verified passes as a credential: no other scheme, no other header, no token that nobody looked at.
  const passed = headers.passToken && exchange.token !== undefined ? headers.tokenHeader : undefined;
  for (const name of ['authorization', headers.tokenHeader]) if (name !== passed) dropped.add(name);
  if (!headers.preserveHost) dropped.add('host');
  return shapedHeaders(exchange.headers, {
    stripped: (name) => dropped.has(name) || endsHere(name),
    set: [
      ...(exchange.token === undefined ? [] : claimFields(exchange.token, headers.claims)),
      ...(exchange.userContext?.verified === true ? [[USER_CONTEXT_HEADER, exchange.userContext.value] as const] : []),
      [CORRELATION_HEADER, exchange.correlationId],
      ['traceparent', formatTraceparent(exchange.trace)],
      ...headers.add,
    ],
  });
}

function claimFields(token: VerifiedToken, claims: IngressHeaders['claims']): (readonly [string, string])[] {
  return claims.flatMap(([claim, header]) => {
    const value = claimHeaderValue(token.claims, claim);
    return value === undefined ? [] : [[header, value] as const];
  });
}

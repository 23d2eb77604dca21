/** One request and its answer while it passes through us: what each stage learned, for the next and for audit. */
import type { IncomingMessage } from 'node:http';
import type { Problem, VerifiedToken } from '@sidegate/sdk';
import { headerValues, type RawHeaders } from '../net/raw-headers.ts';
import type { RequestTarget } from '../net/request-target.ts';
import type { Decision } from '../policy/decision.ts';
import { continueTrace, type RandomHex, type TraceContext } from '../telemetry/trace-context.ts';
import { correlationIdOf } from './correlation.ts';
import type { Peer } from './peer.ts';

export type Direction = 'ingress' | 'egress';

export interface Exchange {
  readonly direction: Direction;
  /** 32 hex digits, ours; `X-Sidegate-Decision` and `request_id` carry it. */
  readonly requestId: string;
  readonly correlationId: string;
  readonly trace: TraceContext;
  /** Milliseconds since the epoch, and on the monotonic clock. */
  readonly startedAt: number;
  readonly startedMonotonic: number;
  readonly headers: RawHeaders;
  /** Ends what is under way: nobody waits for the answer any more, or the request's own body is broken. */
  readonly cut: AbortController;
  /** What the message claimed to be, before it was parsed; the path without a query, which may hold anything. */
  readonly received: { readonly method: string; readonly path: string };
  /** Undefined until the stage that learns it has run. */
  target?: RequestTarget;
  peer?: Peer | undefined;
  token?: VerifiedToken | undefined;
  /** Who the token speaks for, when it is a user's and not the calling service's own. */
  user?: { readonly sub: string; readonly name: string | undefined };
  /** The user on whose behalf the call is made, and whether someone we trust said so. */
  userContext?: { readonly value: string; readonly verified: boolean };
  decision?: Decision;
  upstream?: { readonly name: string; readonly path: string };
  /** The request has left towards the upstream. */
  forwarded?: boolean;
  status?: number;
  problem?: Problem;
  /** Set when the other side went away before the answer was complete. */
  aborted?: boolean;
}

export interface ExchangePorts {
  readonly clock: { now(): number; monotonic(): number };
  readonly randomHex: RandomHex;
}

/** What a listener knows of a message; a connection that sent none has no header fields either. */
export interface OpeningMessage {
  readonly rawHeaders: RawHeaders;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}

export function openExchange(direction: Direction, message: OpeningMessage, ports: ExchangePorts): Exchange {
  return {
    direction,
    requestId: ports.randomHex(16),
    correlationId: correlationIdOf(message.rawHeaders, ports.randomHex),
    trace: continueTrace(singleValue(message.rawHeaders, 'traceparent'), ports.randomHex),
    startedAt: ports.clock.now(),
    startedMonotonic: ports.clock.monotonic(),
    headers: message.rawHeaders,
    received: { method: message.method ?? '', path: pathOf(message.url ?? '') },
    cut: new AbortController(),
  };
}

/** Only what looks like a path: an absolute target could hold a password. */
function pathOf(url: string): string {
  return url.startsWith('/') ? (url.split('?', 1)[0] ?? '') : '';
}

/** The value of a field that was sent exactly once. */
export function singleValue(headers: RawHeaders, lowerName: string): string | undefined {
  const values = headerValues(headers, lowerName);
  return values.length === 1 ? values[0] : undefined;
}

/** True when the message has a body to read, RFC 9112 section 6.3. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

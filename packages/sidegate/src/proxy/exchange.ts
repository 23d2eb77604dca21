/** One request and its answer while it passes through us: what each stage learned, for the next and for audit. */
import type { Problem, ProblemCode, ProofChallenge, VerifiedToken } from '@sidegate/sdk';
import { Cancellation } from '../net/cancellation.ts';
import type { Fields } from '../net/fields.ts';
import type { RequestTarget } from '../net/request-target.ts';
import type { Decision } from '../policy/decision.ts';
import { continueTrace, type RandomHex, type Sampler, type TraceContext } from '../telemetry/trace-context.ts';
import { correlationIdOf } from './correlation.ts';
import type { Peer } from './peer.ts';
import { shownTarget } from './shown-path.ts';

/** `decision`: somebody asked what would be allowed. */
export type Direction = 'ingress' | 'egress' | 'decision';

export interface Exchange {
  readonly direction: Direction;
  /** 32 hex digits, ours; `X-Sidegate-Decision` and `request_id` carry it. */
  readonly requestId: string;
  readonly correlationId: string;
  readonly trace: TraceContext;
  /** Milliseconds since the epoch, and on the monotonic clock. */
  readonly startedAt: number;
  readonly startedMonotonic: number;
  readonly fields: Fields;
  /** Ends what is under way: nobody waits for the answer any more, or the request's own body is broken. */
  readonly cancellation: Cancellation;
  /** What the message claimed to be, before it was parsed; the path as it may be shown. */
  readonly received: { readonly method: string; readonly path: string };
  /** Undefined until the stage that learns it has run. */
  target: RequestTarget | undefined;
  /** The pattern of the route that matched. */
  route: string | undefined;
  peer: Peer | undefined;
  token: VerifiedToken | undefined;
  /** Thumbprint of the key whose DPoP proof came with the token; undefined: a bearer token, or none. */
  provenKey: string | undefined;
  /** What is asked of a client besides a bearer token; undefined: nothing else is taken. */
  proofChallenge: ProofChallenge | undefined;
  /** Who the token speaks for, when it is a user's and not the calling service's own. */
  user: { readonly sub: string; readonly name: string | undefined } | undefined;
  /** The user on whose behalf the call is made, and whether someone we trust said so. */
  userContext: { readonly value: string; readonly verified: boolean } | undefined;
  /** The transaction that the call is part of, and its token as it was received. */
  transaction: { readonly id: string; readonly token: VerifiedToken; readonly text: string } | undefined;
  decision: Decision | undefined;
  /** The policy's denial in shadow mode, in spite of which the request goes on. */
  shadowed: Problem | undefined;
  upstream: { readonly name: string; readonly path: string } | undefined;
  /** The request has left towards the upstream. */
  forwarded: boolean;
  /** Somebody was told that the request is allowed, and forwards it. */
  granted: boolean;
  /** Nothing was to be forwarded: the answer is ours, and it is no refusal. */
  answered: boolean;
  /** Field lines for whatever is answered, in place of the upstream's of CORS; undefined while CORS is not ours. */
  corsLines: string | undefined;
  status: number | undefined;
  problem: Problem | undefined;
  /** The other side went away before the answer was complete. */
  aborted: boolean;
}

export interface ExchangePorts {
  readonly clock: { now(): number; monotonic(): number };
  readonly randomHex: RandomHex;
  /** Which of the traces that begin here are kept. */
  readonly sampler: Sampler;
}

/** What a listener knows of a message; a connection that sent none has no header fields either. */
export interface OpeningMessage {
  readonly method: string;
  readonly target: string;
  readonly fields: Fields;
}

export function openExchange(direction: Direction, message: OpeningMessage, ports: ExchangePorts): Exchange {
  const { method, target, fields } = message;
  return {
    direction,
    requestId: ports.randomHex(16),
    correlationId: correlationIdOf(fields, ports.randomHex),
    trace: continueTrace(fields.single('traceparent'), ports),
    startedAt: ports.clock.now(),
    startedMonotonic: ports.clock.monotonic(),
    fields,
    cancellation: new Cancellation(),
    received: { method, path: shownTarget(target) },
    target: undefined,
    route: undefined,
    peer: undefined,
    token: undefined,
    provenKey: undefined,
    proofChallenge: undefined,
    user: undefined,
    userContext: undefined,
    transaction: undefined,
    decision: undefined,
    shadowed: undefined,
    upstream: undefined,
    forwarded: false,
    granted: false,
    answered: false,
    corsLines: undefined,
    status: undefined,
    problem: undefined,
    aborted: false,
  };
}

/** On the way to the upstream, and yet ours. */
const REFUSED_ON_THE_WAY: ReadonlySet<ProblemCode> = new Set(['egress_address_forbidden', 'upstream_overloaded']);

/**
 * What was forwarded was allowed, also when the upstream then failed, and so was what somebody else may forward and what we
 * answered; nothing else was. In shadow mode it is what the policy said.
 */
export function verdictOf({ forwarded, granted, answered, shadowed, problem }: Exchange): 'allow' | 'deny' {
  if (problem !== undefined && REFUSED_ON_THE_WAY.has(problem.code)) return 'deny';
  return shadowed === undefined && (forwarded || granted || answered) ? 'allow' : 'deny';
}

/** The audit trail: one JSON line for every exchange, allowed or refused, also an aborted one. */
import type { Problem } from '@sidegate/sdk';
import type { Exchange } from './exchange.ts';

/** Takes one complete line without its line end; throws when it cannot be kept. */
export type AuditSink = (line: string) => void;

export interface AuditOptions {
  /** This service's own name, in every line. */
  readonly service: string;
  readonly sink: AuditSink;
  readonly clock: { now(): number; monotonic(): number };
}

/** Writes the record of a finished exchange. */
export type Audit = (exchange: Exchange) => void;

const MAX_TEXT = 1024;

export function createAudit(options: AuditOptions): Audit {
  return (exchange) => options.sink(JSON.stringify(auditRecord(exchange, options)));
}

/** Only values that were verified or that say so; never a token, a key or a secret. */
export function auditRecord(exchange: Exchange, options: Pick<AuditOptions, 'service' | 'clock'>): object {
  const { problem, decision, peer, token, target, upstream, userContext } = exchange;
  return {
    level: problem === undefined ? 'info' : problem.row.source === 'downstream' ? 'warn' : 'error',
    time: new Date(exchange.startedAt).toISOString(),
    service: options.service,
    event: 'request',
    direction: exchange.direction,
    // What was forwarded was allowed, also when the upstream then failed; nothing else was.
    decision: exchange.forwarded === true ? 'allow' : 'deny',
    status: exchange.status,
    code: problem?.code,
    reasons: reasonsOf(decision?.reasons, problem),
    rule: decision?.rule,
    method: target?.method,
    path: bounded(target?.path),
    upstream_path: bounded(upstream?.path),
    downstream: upstream?.name,
    mtls_client: peer?.commonName ?? peer?.spiffeId,
    peer: peer && { spiffe_id: peer.spiffeId, subject: bounded(peer.subject) },
    calling_service: peer?.binding?.clientId,
    user_id: exchange.user?.sub,
    user_context: userContext?.value,
    context_verified: userContext?.verified,
    user: exchange.user,
    token: token && {
      issuer: token.issuer,
      audience: token.audiences,
      client_id: token.clientId,
      scope: token.scopes.join(' '),
      kid: token.keyId,
    },
    policy_audit: decision?.audit,
    correlation_id: exchange.correlationId,
    request_id: exchange.requestId,
    trace_id: exchange.trace.traceId,
    span_id: exchange.trace.spanId,
    aborted: exchange.aborted,
    duration_ms: Math.round((options.clock.monotonic() - exchange.startedMonotonic) * 1000) / 1000,
  };
}

function reasonsOf(reasons: readonly string[] | undefined, problem: Problem | undefined): string[] {
  const all = [...(reasons ?? []), ...(problem === undefined ? [] : [problem.message])];
  return all.slice(0, 16).map((reason) => reason.slice(0, MAX_TEXT));
}

function bounded(text: string | undefined): string | undefined {
  return text === undefined || text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}

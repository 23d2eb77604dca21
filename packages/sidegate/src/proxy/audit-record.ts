/** What an audit record says about an exchange. */
import type { Problem } from '@sidegate/sdk';
import type { Exchange } from './exchange.ts';

/** `access` is a second, short record for each exchange that reached the service. */
export type AuditEvent = 'request' | 'access';

export interface RecordOptions {
  /** This service's own name. */
  readonly service: string;
  readonly events: readonly AuditEvent[];
  readonly clock: { monotonic(): number };
}

const MAX_TEXT = 1024;
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The records of one finished exchange, as plain data. */
export function auditRecords(exchange: Exchange, options: RecordOptions): object[] {
  const records: object[] = [];
  if (options.events.includes('request')) records.push(requestRecord(exchange, options));
  if (options.events.includes('access') && exchange.forwarded) records.push(accessRecord(exchange, options));
  return records;
}

/** Only values that were verified or that say so; never a token, a key or a secret. */
function requestRecord(exchange: Exchange, { service, clock }: RecordOptions): object {
  const { problem, decision, peer, token, received, target, upstream, userContext } = exchange;
  return {
    level: problem === undefined ? 'info' : problem.row.source === 'downstream' ? 'warn' : 'error',
    time: new Date(exchange.startedAt).toISOString(),
    service,
    event: 'request',
    direction: exchange.direction,
    // What was forwarded was allowed, also when the upstream then failed; nothing else was.
    decision: exchange.forwarded ? 'allow' : 'deny',
    status: exchange.status,
    code: problem?.code,
    reasons: reasonsOf(decision?.reasons, problem),
    rule: decision?.rule,
    // Of a message that was refused before it had a target, what it claimed to be.
    method: target?.method ?? (received.method || undefined),
    path: bounded(target?.path ?? (received.path || undefined)),
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
    aborted: exchange.aborted ? true : undefined,
    duration_ms: Math.round((clock.monotonic() - exchange.startedMonotonic) * 1000) / 1000,
  };
}

/** Who touched what on whose behalf, for a data owner who needs no more. */
function accessRecord(exchange: Exchange, { service }: RecordOptions): object {
  const { peer, target, upstream, userContext } = exchange;
  return {
    level: 'info',
    time: new Date(exchange.startedAt).toISOString(),
    service,
    event: 'access',
    calling_service: peer?.binding?.clientId,
    user_context: userContext?.value,
    action: READING.has(target?.method ?? '') ? 'read' : 'write',
    resource: bounded(upstream?.path.slice(1)),
    decision: 'allow',
    correlation_id: exchange.correlationId,
    request_id: exchange.requestId,
  };
}

function reasonsOf(reasons: readonly string[] | undefined, problem: Problem | undefined): string[] {
  const all = [...(reasons ?? []), ...(problem === undefined ? [] : [problem.message])];
  return [...new Set(all)].slice(0, 16).map((reason) => reason.slice(0, MAX_TEXT));
}

function bounded(text: string | undefined): string | undefined {
  return text === undefined || text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}

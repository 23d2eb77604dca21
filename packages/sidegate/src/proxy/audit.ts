/** The audit trail: one JSON line for every exchange, allowed or refused, also an aborted one. */
import { Problem } from '@sidegate/sdk';
import type { Exchange } from './exchange.ts';

/** Keeps one complete line, given without its line end; throws when it cannot. */
export type AuditSink = (line: string) => void;

export interface AuditOptions {
  /** This service's own name, in every line. */
  readonly service: string;
  readonly sinks: readonly AuditSink[];
  /** `access` adds a second, short record for each exchange that reached the service. */
  readonly events: readonly ('request' | 'access')[];
  /** `required`: while records cannot be kept, requests are refused; `best_effort`: they are served. */
  readonly mode: 'required' | 'best_effort';
  readonly clock: { now(): number; monotonic(): number };
  /** Told once when records begin to be lost, and once when they are kept again. */
  readonly onChange: (failure: unknown) => void;
}

export interface Audit {
  /** Writes the record of a finished exchange. */
  record(exchange: Exchange): void;
  /** @throws Problem `audit_unavailable` in mode `required`, while records cannot be kept */
  assertAvailable(): void;
}

const MAX_TEXT = 1024;
const MAX_LINE = 8 * 1024;
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export function createAudit(options: AuditOptions): Audit {
  const { sinks, mode, onChange } = options;
  let failing = false;
  return {
    record(exchange) {
      try {
        for (const record of recordsOf(exchange, options)) {
          const line = boundedLine(record);
          for (const sink of sinks) sink(line);
        }
        if (failing) onChange(undefined);
        failing = false;
      } catch (error) {
        if (!failing) onChange(error);
        failing = true;
      }
    },
    assertAvailable() {
      if (failing && mode === 'required') {
        throw new Problem('audit_unavailable', 'the last audit record could not be kept', { retryAfterSeconds: 1 });
      }
    },
  };
}

function recordsOf(exchange: Exchange, options: AuditOptions): object[] {
  const records: object[] = [];
  if (options.events.includes('request')) records.push(requestRecord(exchange, options));
  if (options.events.includes('access') && exchange.forwarded === true) records.push(accessRecord(exchange, options));
  return records;
}

/** Only values that were verified or that say so; never a token, a key or a secret. */
function requestRecord(exchange: Exchange, { service, clock }: AuditOptions): object {
  const { problem, decision, peer, token, target, upstream, userContext } = exchange;
  return {
    level: problem === undefined ? 'info' : problem.row.source === 'downstream' ? 'warn' : 'error',
    time: new Date(exchange.startedAt).toISOString(),
    service,
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
    duration_ms: Math.round((clock.monotonic() - exchange.startedMonotonic) * 1000) / 1000,
  };
}

/** Who touched what on whose behalf, for a data owner who needs no more. */
function accessRecord(exchange: Exchange, { service }: AuditOptions): object {
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

/** A record of hostile texts keeps its facts and loses their length. */
function boundedLine(record: object): string {
  const line = JSON.stringify(record);
  if (line.length <= MAX_LINE) return line;
  const short = (value: unknown): unknown => (typeof value === 'string' ? value.slice(0, 128) : value);
  const { reasons, policy_audit: _, ...facts } = record as { reasons?: readonly string[]; policy_audit?: unknown };
  const bounded = Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, short(value)]));
  return JSON.stringify({ ...bounded, reasons: reasons?.slice(0, 2).map(short), truncated: true });
}

function reasonsOf(reasons: readonly string[] | undefined, problem: Problem | undefined): string[] {
  const all = [...(reasons ?? []), ...(problem === undefined ? [] : [problem.message])];
  return [...new Set(all)].slice(0, 16).map((reason) => reason.slice(0, MAX_TEXT));
}

function bounded(text: string | undefined): string | undefined {
  return text === undefined || text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}

/** What an audit record says about an exchange: only values that were verified or that say so, never a secret. */
import type { Problem, VerifiedToken } from '@sidegate/sdk';
import { AuditLine, type LineLimits } from './audit-line.ts';
import type { Exchange } from './exchange.ts';
import type { Peer } from './peer.ts';

/** `access` is a second, short record for each exchange that reached the service. */
export type AuditEvent = 'request' | 'access';

export interface RecordOptions {
  /** This service's own name. */
  readonly service: string;
  readonly events: readonly AuditEvent[];
  readonly clock: { monotonic(): number };
}

const FULL: LineLimits = { text: 1024, list: 16 };
/** For a record that would be too long: it keeps its facts and loses the length of its texts. */
const SHORT: LineLimits = { text: 128, list: 4 };
const MAX_BYTES = 8 * 1024;
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The lines of finished exchanges, without their line ends. */
export class AuditRecords {
  readonly #options: RecordOptions;
  /** What comes with many exchanges is written once. */
  readonly #peers = new WeakMap<Peer, string>();
  readonly #tokens = new WeakMap<VerifiedToken, string>();
  #lastTime = { at: Number.NaN, text: '' };

  constructor(options: RecordOptions) {
    this.#options = options;
  }

  of(exchange: Exchange): string[] {
    const { events } = this.#options;
    const lines: string[] = [];
    if (events.includes('request')) lines.push(this.#bounded((line) => this.#request(exchange, line)));
    if (events.includes('access') && exchange.forwarded)
      lines.push(this.#bounded((line) => this.#access(exchange, line)));
    return lines;
  }

  #bounded(write: (line: AuditLine) => void): string {
    const full = new AuditLine(FULL);
    write(full);
    const whole = full.done();
    if (whole.length <= MAX_BYTES) return whole;
    const short = new AuditLine(SHORT);
    write(short);
    short.flag('truncated', true);
    return short.done();
  }

  #request(exchange: Exchange, line: AuditLine): void {
    const { problem, decision, peer, token, received, target, upstream, user, userContext, trace } = exchange;
    line.text('level', problem === undefined ? 'info' : problem.row.source === 'downstream' ? 'warn' : 'error');
    line.text('time', this.#time(exchange.startedAt));
    line.text('service', this.#options.service);
    line.text('event', 'request');
    line.text('direction', exchange.direction);
    // What was forwarded was allowed, also when the upstream then failed; nothing else was.
    line.text('decision', exchange.forwarded ? 'allow' : 'deny');
    line.number('status', exchange.status);
    line.text('code', problem?.code);
    line.list('reasons', reasonsOf(decision?.reasons, problem));
    line.text('rule', decision?.rule);
    // Of a message that was refused before it had a target, what it claimed to be.
    line.text('method', target?.method ?? (received.method || undefined));
    line.text('path', target?.path ?? (received.path || undefined));
    line.text('upstream_path', upstream?.path);
    line.text('downstream', upstream?.name);
    if (peer !== undefined) {
      line.text('mtls_client', peer.commonName ?? peer.spiffeId);
      line.json('peer', fragment(this.#peers, peer, { write: writePeer, limits: line.limits }));
      line.text('calling_service', peer.binding?.clientId);
    }
    line.text('user_id', user?.sub);
    line.text('user_context', userContext?.value);
    line.flag('context_verified', userContext?.verified);
    if (user !== undefined) {
      const inner = new AuditLine(line.limits);
      inner.text('sub', user.sub);
      inner.text('name', user.name);
      line.json('user', inner.done());
    }
    if (token !== undefined)
      line.json('token', fragment(this.#tokens, token, { write: writeToken, limits: line.limits }));
    // A policy's own part of the record is the only one whose size is not ours.
    if (line.limits === FULL) line.data('policy_audit', decision?.audit);
    line.text('correlation_id', exchange.correlationId);
    line.text('request_id', exchange.requestId);
    line.text('trace_id', trace.traceId);
    line.text('span_id', trace.spanId);
    line.flag('aborted', exchange.aborted ? true : undefined);
    line.number('duration_ms', Math.round((this.#options.clock.monotonic() - exchange.startedMonotonic) * 1000) / 1000);
  }

  /** Who touched what on whose behalf, for a data owner who needs no more. */
  #access(exchange: Exchange, line: AuditLine): void {
    const { peer, target, upstream, userContext } = exchange;
    line.text('level', 'info');
    line.text('time', this.#time(exchange.startedAt));
    line.text('service', this.#options.service);
    line.text('event', 'access');
    line.text('calling_service', peer?.binding?.clientId);
    line.text('user_context', userContext?.value);
    line.text('action', READING.has(target?.method ?? '') ? 'read' : 'write');
    line.text('resource', upstream?.path.slice(1));
    line.text('decision', 'allow');
    line.text('correlation_id', exchange.correlationId);
    line.text('request_id', exchange.requestId);
  }

  /** RFC 3339; many exchanges begin in one millisecond. */
  #time(at: number): string {
    if (this.#lastTime.at !== at) this.#lastTime = { at, text: new Date(at).toISOString() };
    return this.#lastTime.text;
  }
}

function fragment<T extends object>(
  known: WeakMap<T, string>,
  value: T,
  { write, limits }: { readonly write: (value: T, line: AuditLine) => void; readonly limits: LineLimits },
): string {
  const remembered = limits === FULL ? known.get(value) : undefined;
  if (remembered !== undefined) return remembered;
  const line = new AuditLine(limits);
  write(value, line);
  const json = line.done();
  if (limits === FULL) known.set(value, json);
  return json;
}

function writePeer({ spiffeId, subject }: Peer, line: AuditLine): void {
  line.text('spiffe_id', spiffeId);
  line.text('subject', subject);
}

function writeToken(token: VerifiedToken, line: AuditLine): void {
  line.text('issuer', token.issuer);
  line.list('audience', token.audiences);
  line.text('client_id', token.clientId);
  line.text('scope', token.scopes.join(' '));
  line.text('kid', token.keyId);
}

function reasonsOf(reasons: readonly string[] = [], problem: Problem | undefined): readonly string[] {
  if (problem === undefined && reasons.length < 2) return reasons;
  return [...new Set([...reasons, ...(problem === undefined ? [] : [problem.message])])];
}

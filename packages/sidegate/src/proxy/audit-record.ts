/** What an audit record says about an exchange: only values that were verified or that say so, never a secret. */
import type { Problem, VerifiedToken } from '@sidegate/sdk';
import type { AsciiWriter } from './ascii-writer.ts';
import { AuditLine, type LineLimits, type Repeated } from './audit-line.ts';
import type { Exchange } from './exchange.ts';
import type { Peer } from './peer.ts';

type User = NonNullable<Exchange['user']>;

/** `access` is a second, short record for each exchange that reached the service. */
export type AuditEvent = 'request' | 'access';

export interface RecordOptions {
  /** This service's own name. */
  readonly service: string;
  readonly events: readonly AuditEvent[];
  readonly clock: { monotonic(): number };
}

const FULL: LineLimits = { text: 1024, list: 16, whole: true };
/** For a record that would be too long: it keeps its facts and loses the length of its texts. */
const SHORT: LineLimits = { text: 128, list: 4, whole: false };
const MAX_BYTES = 8 * 1024;
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Writes the lines of finished exchanges. */
export class AuditRecords {
  readonly #options: RecordOptions;
  /** What comes with many exchanges is written once. */
  readonly #peers: Repeated<Peer> = { known: new WeakMap(), write: writePeer };
  readonly #tokens: Repeated<VerifiedToken> = { known: new WeakMap(), write: writeToken };
  #lastTime = { at: Number.NaN, text: '' };

  constructor(options: RecordOptions) {
    this.#options = options;
  }

  /** With their line ends; nothing is written when it throws. */
  write(exchange: Exchange, to: AsciiWriter): void {
    const start = to.length;
    try {
      for (const event of this.#options.events) {
        if (event === 'request') this.#bounded(to, exchange, this.#request);
        else if (exchange.forwarded) this.#bounded(to, exchange, this.#access);
      }
    } catch (error) {
      to.cut(start);
      throw error;
    }
  }

  #bounded(to: AsciiWriter, exchange: Exchange, write: (exchange: Exchange, line: AuditLine) => void): void {
    const start = to.length;
    const full = new AuditLine(to, FULL);
    write.call(this, exchange, full);
    full.end();
    if (to.length - start > MAX_BYTES) {
      to.cut(start);
      const short = new AuditLine(to, SHORT);
      write.call(this, exchange, short);
      short.flag('truncated', true);
      short.end();
    }
    to.ascii('\n');
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
      line.repeated('peer', peer, this.#peers);
      line.text('calling_service', peer.binding?.clientId);
    }
    line.text('user_id', user?.sub);
    line.text('user_context', userContext?.value);
    line.flag('context_verified', userContext?.verified);
    if (user !== undefined) line.object('user', (inner) => writeUser(user, inner));
    if (token !== undefined) line.repeated('token', token, this.#tokens);
    // A policy's own part of the record is the only one whose size is not ours.
    if (line.limits.whole) line.data('policy_audit', decision?.audit);
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

function writePeer({ spiffeId, subject }: Peer, line: AuditLine): void {
  line.text('spiffe_id', spiffeId);
  line.text('subject', subject);
}

function writeUser({ sub, name }: User, line: AuditLine): void {
  line.text('sub', sub);
  line.text('name', name);
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

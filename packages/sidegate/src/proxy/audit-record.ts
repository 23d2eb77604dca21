/** What an audit record says about an exchange: only values that were verified or that say so, never a secret. */
import type { Problem, VerifiedToken } from '@sidegate/sdk';
import { asciiJson } from '../telemetry/ascii-json.ts';
import { type MemberPath, maskedLine } from './audit-mask.ts';
import { type Exchange, verdictOf } from './exchange.ts';
import { listMember, type MemberLimits, quoted, textMember } from './json-member.ts';
import type { Peer } from './peer.ts';
import { shownPath } from './shown-path.ts';

/** `access` is a second, short record for each exchange that reached the service. */
export type AuditEvent = 'request' | 'access';

export interface RecordOptions {
  /** This service's own name. */
  readonly service: string;
  readonly events: readonly AuditEvent[];
  readonly clock: { monotonic(): number };
  /** Names of request headers that are written down; none of them carries a credential. */
  readonly includeHeaders: readonly string[];
  readonly maskFields: readonly MemberPath[];
}

const FULL: MemberLimits = { text: 1024, list: 16 };
/** For a record that would be too long: it keeps its facts and loses the length of its texts. */
const SHORT: MemberLimits = { text: 128, list: 4 };
const MAX_BYTES = 8 * 1024;
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Writes the lines of finished exchanges: long texts from few pieces, since every piece costs. */
export class AuditRecords {
  readonly #options: RecordOptions;
  readonly #service: string;
  /** What comes with many exchanges is written once. */
  readonly #peers = new WeakMap<Peer, string>();
  readonly #tokens = new WeakMap<VerifiedToken, string>();
  #lastTime = { at: Number.NaN, text: '' };

  constructor(options: RecordOptions) {
    this.#options = options;
    this.#service = quoted(options.service, FULL);
  }

  /** With their line ends. */
  of(exchange: Exchange): string {
    let lines = '';
    for (const event of this.#options.events) {
      if (event === 'request') lines += this.#line((limits) => this.#request(exchange, limits));
      else if (exchange.forwarded) lines += this.#line((limits) => this.#access(exchange, limits));
    }
    return lines;
  }

  /** With its line end. */
  #line(write: (limits: MemberLimits) => string): string {
    const line = bounded(write);
    const { maskFields } = this.#options;
    return `${maskFields.length === 0 ? line : maskedLine(line, maskFields)}\n`;
  }

  /** Without its last brace. */
  #request(exchange: Exchange, limits: MemberLimits): string {
    const { problem, decision, status, target, received, upstream, trace } = exchange;
    const refusal = problem ?? exchange.shadowed;
    // Of a message that was refused before it had a target, what it claimed to be.
    const method = target?.method ?? (received.method || undefined);
    const path = target === undefined ? received.path || undefined : shownPath(target.path);
    const duration = Math.round((this.#options.clock.monotonic() - exchange.startedMonotonic) * 1000) / 1000;
    return (
      `{"level":"${levelOf(refusal)}","time":"${this.#time(exchange.startedAt)}","service":${this.#service},"event":"request",` +
      `"direction":"${exchange.direction}",${decisionMembers(exchange)}${status === undefined ? '' : `,"status":${status}`}` +
      textMember(',"code":', refusal?.code, limits) +
      listMember(',"reasons":', reasonsOf(decision?.reasons, refusal), limits) +
      textMember(',"rule":', decision?.rule, limits) +
      textMember(',"method":', method, limits) +
      textMember(',"path":', path, limits) +
      textMember(',"upstream_path":', upstream && shownPath(upstream.path), limits) +
      textMember(',"downstream":', upstream?.name, limits) +
      this.#peer(exchange.peer, limits) +
      onBehalfOf(exchange, limits) +
      this.#token(exchange.token, limits) +
      textMember(',"txn":', exchange.transaction?.id, limits) +
      this.#headers(exchange, limits) +
      // A policy's own part of the record is the only one whose size is not ours.
      (decision?.audit === undefined || limits !== FULL ? '' : `,"policy_audit":${asciiJson(decision.audit)}`) +
      `,"correlation_id":${quoted(exchange.correlationId, limits)},"request_id":"${exchange.requestId}",` +
      `"trace_id":"${trace.traceId}","span_id":"${trace.spanId}"${exchange.aborted ? ',"aborted":true' : ''},"duration_ms":${duration}`
    );
  }

  /** Who touched what on whose behalf, for a data owner who needs no more; without its last brace. */
  #access(exchange: Exchange, limits: MemberLimits): string {
    const { peer, target, upstream, userContext } = exchange;
    const action = READING.has(target?.method ?? '') ? 'read' : 'write';
    return (
      `{"level":"info","time":"${this.#time(exchange.startedAt)}","service":${this.#service},"event":"access"` +
      textMember(',"calling_service":', peer?.binding?.clientId, limits) +
      textMember(',"user_context":', userContext?.value, limits) +
      `,"action":"${action}"${textMember(',"resource":', upstream && shownPath(upstream.path).slice(1), limits)},${decisionMembers(exchange)},` +
      `"correlation_id":${quoted(exchange.correlationId, limits)},"request_id":"${exchange.requestId}"`
    );
  }

  #peer(peer: Peer | undefined, limits: MemberLimits): string {
    return peer === undefined ? '' : repeated(this.#peers, peer, { write: peerMembers, limits });
  }

  #token(token: VerifiedToken | undefined, limits: MemberLimits): string {
    return token === undefined ? '' : repeated(this.#tokens, token, { write: tokenMember, limits });
  }

  /** As they were received; in a record that is too long, none. */
  #headers({ fields }: Exchange, limits: MemberLimits): string {
    const { includeHeaders } = this.#options;
    if (includeHeaders.length === 0 || limits !== FULL) return '';
    let members = '';
    for (const name of includeHeaders) {
      const values = fields.all(name.toLowerCase());
      if (values.length === 0) continue;
      const key = `${members === '' ? '' : ','}"${name}":`;
      members += values.length === 1 ? textMember(key, values[0], limits) : listMember(key, values, limits);
    }
    return `,"headers":{${members}}`;
  }

  /** RFC 3339; many exchanges begin in one millisecond. */
  #time(at: number): string {
    if (this.#lastTime.at !== at) this.#lastTime = { at, text: new Date(at).toISOString() };
    return this.#lastTime.text;
  }
}

function bounded(write: (limits: MemberLimits) => string): string {
  const whole = write(FULL);
  return whole.length < MAX_BYTES ? `${whole}}` : `${write(SHORT)},"truncated":true}`;
}

/** What is shortened for one line is not what the others want, so it is not kept. */
function repeated<T extends object>(
  known: WeakMap<T, string>,
  value: T,
  { write, limits }: { readonly write: (value: T, limits: MemberLimits) => string; readonly limits: MemberLimits },
): string {
  if (limits !== FULL) return write(value, limits);
  let members = known.get(value);
  if (members === undefined) {
    members = write(value, limits);
    known.set(value, members);
  }
  return members;
}

function peerMembers({ commonName, spiffeId, subject, binding }: Peer, limits: MemberLimits): string {
  const id = spiffeId === undefined ? '' : `"spiffe_id":${quoted(spiffeId, limits)},`;
  return (
    textMember(',"mtls_client":', commonName ?? spiffeId, limits) +
    `,"peer":{${id}"subject":${quoted(subject, limits)}}` +
    textMember(',"calling_service":', binding?.clientId, limits)
  );
}

function onBehalfOf({ user, userContext }: Exchange, limits: MemberLimits): string {
  return (
    textMember(',"user_id":', user?.sub, limits) +
    (userContext === undefined
      ? ''
      : `,"user_context":${quoted(userContext.value, limits)},"context_verified":${userContext.verified}`) +
    (user === undefined
      ? ''
      : `,"user":{"sub":${quoted(user.sub, limits)}${textMember(',"name":', user.name, limits)}}`)
  );
}

function tokenMember({ issuer, audiences, clientId, scopes, keyId }: VerifiedToken, limits: MemberLimits): string {
  return (
    `,"token":{"issuer":${quoted(issuer, limits)}` +
    listMember(',"audience":', audiences, limits) +
    textMember(',"client_id":', clientId, limits) +
    `,"scope":${quoted(scopes.join(' '), limits)},"kid":${quoted(keyId, limits)}}`
  );
}

function decisionMembers(exchange: Exchange): string {
  return `"decision":"${verdictOf(exchange)}"${exchange.shadowed === undefined ? '' : ',"shadow":true'}`;
}

function levelOf(problem: Problem | undefined): string {
  if (problem === undefined) return 'info';
  return problem.row.source === 'downstream' ? 'warn' : 'error';
}

function reasonsOf(reasons: readonly string[] = [], problem: Problem | undefined): readonly string[] {
  if (problem === undefined && reasons.length < 2) return reasons;
  return [...new Set([...reasons, ...(problem === undefined ? [] : [problem.message])])];
}

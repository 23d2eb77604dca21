/** From answers to causes: what the token says, where on the way its header is lost, what the service makes of it, and who else gets in. */
import { excerpt } from '@sidegate/sdk';
import type { Answer, HopAnswers, HopName } from './doctor-calls.ts';
import { DOCTOR_CASES, type DoctorCase } from './doctor-cases.ts';
import type { LogEvidence } from './doctor-log.ts';
import type { TokenFacts } from './doctor-token.ts';

export interface DoctorFinding {
  readonly case: DoctorCase;
  readonly title: string;
  /** What was seen. */
  readonly evidence: string;
  readonly remedy: string;
}

export interface Observed {
  readonly token: TokenFacts;
  /** Whether the key that was given here signed the token; undefined: none was given. */
  readonly signedHere: boolean | undefined;
  /** The places whose key has another fingerprint than the one given here. */
  readonly otherFingerprints: readonly string[];
  /** From outside to inside; empty: no call was made. */
  readonly hops: readonly HopAnswers[];
  readonly otherHeader: string | undefined;
  readonly logs: LogEvidence;
  /** Seconds since the epoch. */
  readonly now: number;
}

export function finding(found: DoctorCase, evidence: string): DoctorFinding {
  const { title, remedy } = DOCTOR_CASES[found];
  return { case: found, title, evidence, remedy };
}

export function diagnose(observed: Observed): readonly DoctorFinding[] {
  const ofToken = [...tokenFindings(observed)];
  const ofCalls = observed.hops.length === 0 ? [] : [...callFindings(observed, ofToken.length > 0)];
  return [...ofToken, ...ofCalls, ...intruders(observed.hops)];
}

function* tokenFindings({ token, signedHere, otherFingerprints, now }: Observed): Generator<DoctorFinding> {
  if (token.expires !== undefined && token.expires <= now) {
    yield finding('token_expired', `exp was ${new Date(token.expires * 1000).toISOString()}`);
  }
  if (token.type !== 'service')
    yield finding('token_type_missing', token.type === undefined ? 'type is absent' : `type is ${excerpt(token.type)}`);
  if (signedHere === false) yield finding('key_mismatch', 'the signature does not verify under the key given here');
  if (otherFingerprints.length > 0) {
    yield finding('key_mismatch', `another fingerprint than here: ${otherFingerprints.join(', ')}`);
  }
}

/** @param explained the token itself is already known to be the reason for a refusal */
function* callFindings(observed: Observed, explained: boolean): Generator<DoctorFinding> {
  const { hops, otherHeader } = observed;
  const [outermost] = hops;
  const innermost = hops.at(-1);
  if (outermost === undefined || innermost === undefined) return;
  if (outermost.otherHeader?.status === 401 && isPast(outermost.token)) {
    yield finding('wrong_header', `401 with ${otherHeader}, ${outermost.token.status} with Authorization`);
  }
  const lost = lostBetween(hops);
  if (lost !== undefined) yield lostFinding(lost, observed);
  yield* answerFinding(lost === undefined ? outermost : innermost, observed, explained);
}

/** The first hop that has not seen the header, and the next one, which has. */
function lostBetween(hops: readonly HopAnswers[]): { readonly outer: HopAnswers; readonly inner: HopName } | undefined {
  for (const [index, outer] of hops.entries()) {
    const inner = hops[index + 1];
    if (inner !== undefined && isUnseen(outer.token) && !isUnseen(inner.token) && inner.token.status !== undefined) {
      return { outer, inner: inner.name };
    }
  }
  return undefined;
}

function lostFinding(
  { outer, inner }: { readonly outer: HopAnswers; readonly inner: HopName },
  { logs }: Observed,
): DoctorFinding {
  const seen = `${status(outer.token)} at ${outer.url}, and not one hop further in`;
  if (inner === 'gateway') return finding('ingress_strips_authorization', seen);
  // Only a gateway that had the token writes so.
  if (outer.name === 'url' && logs.gateway !== undefined && logs.gateway === 0) {
    return finding('ingress_strips_authorization', `${seen}; the gateway logged no Service authentication`);
  }
  const logged = logs.gateway === undefined ? '' : `; the gateway logged Service authentication ${logs.gateway} times`;
  return finding('gateway_drops_authorization', `${seen}${logged}`);
}

function* answerFinding(
  { token: answer, url, nothing }: HopAnswers,
  observed: Observed,
  explained: boolean,
): Generator<DoctorFinding> {
  const seen = `${status(answer)} at ${url}`;
  if (answer.status === undefined || UPSTREAM.has(answer.code ?? '')) yield finding('unreachable', seen);
  else if (answer.status === 404) yield finding('not_found', seen);
  else if (answer.status === 401 && !explained) yield refusedFinding(answer, seen, observed);
  else if (answer.status === 403 && !explained) yield forbiddenFinding(answer, seen, observed.logs);
  else if (answer.status >= 500) {
    const { failure } = observed.logs;
    const guarded = nothing.status === 401 ? ', 401 without a token' : '';
    yield finding('service_failed', `${seen}${guarded}${failure === undefined ? '' : `; its log: ${failure}`}`);
  }
}

function refusedFinding(answer: Answer, seen: string, { signedHere }: Observed): DoctorFinding {
  if (isUnseen(answer)) return finding('authorization_lost', seen);
  if (signedHere === true && KEY_REFUSALS.has(answer.code ?? '')) {
    return finding('service_needs_restart', `${seen}, and the signature verifies under the key given here`);
  }
  return finding('token_refused', seen);
}

function forbiddenFinding({ code }: Answer, seen: string, { refusals }: LogEvidence): DoctorFinding {
  const logged = refusals.find((refusal) => refusal.code === undefined || refusal.code === code);
  const evidence = logged === undefined ? seen : `${seen}; its log: ${logged.text}`;
  if (code === 'service_required') return finding('service_context_missing', evidence);
  if (code === 'peer_not_allowed' || code === 'unauthorized_issuer') return finding('caller_not_allowed', evidence);
  return finding('forbidden', evidence);
}

function* intruders(hops: readonly HopAnswers[]): Generator<DoctorFinding> {
  for (const { url, user, nothing } of hops) {
    if (isSuccess(nothing)) yield finding('route_open', `${status(nothing)} at ${url} without a token`);
    else if (user !== undefined && isSuccess(user)) {
      yield finding('guard_missing', `${status(user)} at ${url} with the token of a user`);
    }
  }
}

const UPSTREAM: ReadonlySet<string> = new Set(['upstream_unreachable', 'upstream_timeout', 'upstream_tls']);
const KEY_REFUSALS: ReadonlySet<string> = new Set([
  'token_signature_invalid',
  'token_key_not_found',
  'token_invalid',
  'invalid_token',
  'unknown_key_id',
]);
const MISSING: ReadonlySet<string | undefined> = new Set([undefined, 'token_missing', 'missing_token']);

const isUnseen = ({ status: code, ...answer }: Answer): boolean => code === 401 && MISSING.has(answer.code);
const isPast = ({ status: code }: Answer): boolean => code !== undefined && code !== 401;
const isSuccess = ({ status: code }: Answer): boolean => code !== undefined && code >= 200 && code < 300;

function status({ status: code, code: name }: Answer): string {
  return `${code ?? 'no answer'}${name === undefined ? '' : ` (${name})`}`;
}

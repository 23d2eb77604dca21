/**
 * Security Event Tokens (RFC 8417) that carry one history of revocations: each says what changed, as the events of CAEP 1.0 with the
 * subject identifiers of RFC 9493, and where in the history it stands. A part of the whole state has an event type of our own.
 */
import { type JwtKeys, readJwt, verifyJwt } from '../jwt/signed-jwt.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../jwt/strict-json.ts';
import { Problem } from '../problem.ts';
import {
  MAX_REVOKED_CHARACTERS,
  REVOKED_KINDS,
  type Revocation,
  type RevocationChange,
  type RevokedKind,
} from './revocation.ts';

/** A place in a history. */
export interface HistoryPlace {
  /** Which history: another one does not continue this. */
  readonly epoch: string;
  readonly sequence: number;
}

export interface ChangeEvent extends HistoryPlace {
  readonly type: 'change';
  /** The place behind which it stands: nothing lies between. */
  readonly previous: number;
  readonly change: RevocationChange;
}

/** All parts of a state together are what counted at its place. */
export interface StateEvent extends HistoryPlace {
  readonly type: 'state';
  /** From 0. */
  readonly part: number;
  readonly last: boolean;
  readonly revocations: readonly Revocation[];
}

export type RevocationEvent = ChangeEvent | StateEvent;

export interface EventTerms {
  /** `iss`, and whose tokens, clients and subjects the events speak of. */
  readonly issuer: string;
  /** Seconds since the epoch. */
  readonly now: number;
}

export interface ExpectedEvent extends EventTerms {
  readonly keys: JwtKeys['keys'];
}

export const SECURITY_EVENT_TYPE = 'secevent+jwt';

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type';
const SESSION_REVOKED = `${CAEP}/session-revoked`;
const CREDENTIAL_CHANGE = `${CAEP}/credential-change`;
const LIFTED = 'urn:sidegate:secevent:revocation-lifted';
const STATE = 'urn:sidegate:secevent:revocation-state';
const EVENT_TYPES: ReadonlySet<string> = new Set([SESSION_REVOKED, CREDENTIAL_CHANGE, LIFTED, STATE]);

const PLACE = /^([A-Za-z0-9_-]{1,64})\.(0|[1-9]\d{0,14})$/;
/** A state that was signed long ago is not the state of now, whoever repeats it. */
const MAX_STATE_AGE_SECONDS = 120;

/** The stream of an issuer, as `aud` names it. */
export function eventAudience(issuer: string): string {
  return `${issuer}/events`;
}

export function placeText({ epoch, sequence }: HistoryPlace): string {
  return `${epoch}.${sequence}`;
}

/** Undefined: it is none. */
export function parsePlace(text: string): HistoryPlace | undefined {
  const [, epoch, sequence] = PLACE.exec(text) ?? [];
  return epoch === undefined ? undefined : { epoch, sequence: Number(sequence) };
}

/** The claims of the token for an event. */
export function securityEventClaims(event: RevocationEvent, { issuer, now }: EventTerms): object {
  const shared = { iss: issuer, iat: Math.floor(now), aud: eventAudience(issuer) };
  if (event.type === 'state') {
    const { part, last, revocations } = event;
    return {
      ...shared,
      jti: `${placeText(event)}.${part}`,
      sub_id: { format: 'opaque', id: eventAudience(issuer) },
      events: { [STATE]: { part, last, revocations: revocations.map(entryOf) } },
    };
  }
  const { operation, revocation } = event.change;
  const { issuedUntil, endsAt } = revocation;
  const terms = {
    event_timestamp: Math.floor(now),
    previous: event.previous,
    issued_until: issuedUntil,
    ends_at: endsAt,
  };
  return {
    ...shared,
    jti: placeText(event),
    sub_id: subjectOf(revocation, issuer),
    events: operation === 'lift' ? { [LIFTED]: terms } : revokedEvent(revocation, terms),
  };
}

/**
 * @param token compact JWS
 * @throws Problem `token_*` or `jwks_unavailable`, as a rejection: it is not an event of this issuer's stream
 */
export async function verifySecurityEvent(token: string, expected: ExpectedEvent): Promise<RevocationEvent> {
  const jwt = readJwt(token, [SECURITY_EVENT_TYPE, `application/${SECURITY_EVENT_TYPE}`]);
  const { iss, aud } = jwt.claims;
  if (iss !== expected.issuer) throw new Problem('token_issuer_mismatch', 'the event is of another issuer');
  if (aud !== eventAudience(expected.issuer))
    throw new Problem('token_aud_mismatch', 'the event is for another stream');
  await verifyJwt(jwt, { keys: expected.keys, owner: `issuer ${expected.issuer}` });
  return readEvent(jwt.claims, expected);
}

function revokedEvent({ kind }: Revocation, terms: object): object {
  if (kind !== 'spiffe_id') return { [SESSION_REVOKED]: terms };
  return { [CREDENTIAL_CHANGE]: { ...terms, credential_type: 'x509', change_type: 'revoke' } };
}

/** RFC 9493; `jwt_id` and `complex` are of the Shared Signals Framework 1.0. */
function subjectOf({ kind, value }: Revocation, issuer: string): object {
  const subjects = {
    jti: { format: 'jwt_id', iss: issuer, jti: value },
    subject: { format: 'iss_sub', iss: issuer, sub: value },
    client: { format: 'complex', application: { format: 'iss_sub', iss: issuer, sub: value } },
    spiffe_id: { format: 'uri', uri: value },
  };
  return subjects[kind];
}

/** Short, because there may be a million. */
function entryOf({ kind, value, issuedUntil, endsAt }: Revocation): unknown[] {
  return [kind, value, issuedUntil ?? null, endsAt ?? null];
}

function readEvent(claims: JsonObject, { issuer, now }: EventTerms): RevocationEvent {
  const { jti, iat, events } = claims;
  if (typeof jti !== 'string' || typeof iat !== 'number' || !isJsonObject(events))
    throw malformed('a claim is missing');
  // An event may have extensions beside it (RFC 8417 section 2); of those that we know there is one.
  const known = Object.keys(events).filter((type) => EVENT_TYPES.has(type));
  const [type = ''] = known;
  const payload = events[type];
  if (known.length !== 1 || !isJsonObject(payload))
    throw malformed('there is not exactly one event that is known here');
  if (type === STATE) {
    if (Math.abs(now - iat) > MAX_STATE_AGE_SECONDS) throw new Problem('token_expired', 'a state of another time');
    return readState(jti, payload);
  }
  const place = parsePlace(jti);
  const { previous } = payload;
  if (place === undefined || typeof previous !== 'number' || !(previous < place.sequence)) {
    throw malformed('it has no place in the history');
  }
  const { kind, value } = readSubject(claims['sub_id'], issuer);
  if (type === CREDENTIAL_CHANGE && (kind !== 'spiffe_id' || payload['change_type'] !== 'revoke')) {
    throw malformed('a change of credentials that is no revocation of a workload');
  }
  const terms = readTerms(payload['issued_until'], payload['ends_at']);
  const operation = type === LIFTED ? 'lift' : 'revoke';
  return { type: 'change', ...place, previous, change: { operation, revocation: { kind, value, ...terms } } };
}

function readState(jti: string, { part, last, revocations }: JsonObject): StateEvent {
  const place = parsePlace(jti.slice(0, Math.max(jti.lastIndexOf('.'), 0)));
  if (place === undefined || typeof part !== 'number' || typeof last !== 'boolean' || !isJsonArray(revocations)) {
    throw malformed('it is no part of a state');
  }
  return { type: 'state', ...place, part, last, revocations: revocations.map(readEntry) };
}

function readEntry(entry: JsonValue): Revocation {
  if (!isJsonArray(entry)) throw malformed('an entry of a state is no list');
  const [kind, value, issuedUntil, endsAt] = entry;
  const known = REVOKED_KINDS.find((name) => name === kind);
  if (known === undefined) throw malformed('an entry of a state is of an unknown kind');
  return { kind: known, value: readName(value), ...readTerms(issuedUntil ?? undefined, endsAt ?? undefined) };
}

function readSubject(subject: JsonValue | undefined, issuer: string): { kind: RevokedKind; value: string } {
  if (!isJsonObject(subject)) throw malformed('it has no subject');
  const { format, application } = subject;
  if (format === 'uri') return { kind: 'spiffe_id', value: readName(subject['uri']) };
  if (format === 'complex' && isJsonObject(application) && application['format'] === 'iss_sub') {
    return { kind: 'client', value: readName(ofIssuer(application, issuer)['sub']) };
  }
  if (format === 'iss_sub') return { kind: 'subject', value: readName(ofIssuer(subject, issuer)['sub']) };
  if (format === 'jwt_id') return { kind: 'jti', value: readName(ofIssuer(subject, issuer)['jti']) };
  throw malformed('its subject has a format that is not known here');
}

function ofIssuer(subject: JsonObject, issuer: string): JsonObject {
  if (subject['iss'] === issuer) return subject;
  throw new Problem('token_issuer_mismatch', 'its subject is of another issuer');
}

function readName(value: JsonValue | undefined): string {
  if (typeof value === 'string' && value !== '' && value.length <= MAX_REVOKED_CHARACTERS) return value;
  throw malformed('what it names is no short text');
}

function readTerms(
  issuedUntil: JsonValue | undefined,
  endsAt: JsonValue | undefined,
): Pick<Revocation, 'issuedUntil' | 'endsAt'> {
  return { issuedUntil: readSeconds(issuedUntil), endsAt: readSeconds(endsAt) };
}

function readSeconds(value: JsonValue | undefined): number | undefined {
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value) && value >= 0)) return value;
  throw malformed('a time is not in seconds');
}

function malformed(reason: string): Problem {
  return new Problem('token_malformed', reason);
}

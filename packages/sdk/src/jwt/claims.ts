/**
 * The claims that every access token must carry, typed and checked: RFC 7519 section 4.1, RFC 8725, RFC 9068.
 * The signature was verified before; who may do what is decided after.
 */
import { Problem } from '../problem.ts';
import { excerpt } from '../x509/excerpt.ts';
import { hasControlCharacters } from './control-characters.ts';
import { type Operation, operationsOf } from './operation-audience.ts';
import { readScopes } from './scope.ts';
import { isJsonArray, isJsonObject, type JsonObject } from './strict-json.ts';

export interface DateRules {
  readonly clockSkewSeconds: number;
  readonly maxLifetimeSeconds: number;
}

export interface ClaimRules extends DateRules {
  /** A token must name at least one of them. */
  readonly audiences: readonly string[];
  /** Whether a token may name only one audience at all. */
  readonly singleAudience: boolean;
  /** Whether an audience may also be an operation of one of them; whoever sets this checks which. */
  readonly operationAudiences?: boolean;
}

/** `cnf`: to whom the token is bound. */
export interface Confirmation {
  /** RFC 8705 section 3.1: SHA-256 of the DER certificate, base64url. */
  readonly 'x5t#S256'?: string;
  /** RFC 9449 section 6.1: RFC 7638 thumbprint of the DPoP key. */
  readonly jkt?: string;
}

export interface CheckedClaims {
  readonly subject: string;
  /** `azp`, else `client_id`. */
  readonly clientId: string | undefined;
  readonly audiences: readonly string[];
  /** What alone the token is for; undefined: whatever the audience does. */
  readonly operations: readonly Operation[] | undefined;
  readonly scopes: readonly string[];
  readonly confirmation: Confirmation | undefined;
  /** Seconds since the epoch, as `exp` says. */
  readonly expiresAt: number;
}

/** A date in seconds stays below this until the year 5138, one in milliseconds is above it since 1973. */
const MAX_DATE_SECONDS = 1e11;
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;
/** `typ` claims by which Keycloak marks tokens for its own endpoints; names in lower case. */
const OTHER_TOKEN_KINDS: ReadonlySet<string> = new Set(['refresh', 'id', 'offline', 'logout']);

/**
 * Checks all registered claims but `iss`, which selected the key.
 *
 * @throws Problem `token_claim_type`, `token_typ_mismatch`, `token_exp_missing`, `token_expired`, `token_not_yet_valid`,
 *   `token_lifetime_exceeded`, `token_aud_missing`, `token_aud_mismatch`, `token_aud_multiple`, `token_sub_invalid`,
 *   `token_client_mismatch`
 */
export function checkClaims(claims: JsonObject, rules: ClaimRules, nowSeconds: number): CheckedClaims {
  checkKind(claims);
  const expiresAt = checkDates(claims, rules, nowSeconds);
  const audiences = readAudiences(claims, rules);
  return {
    expiresAt,
    audiences,
    operations: readOperations(audiences, rules),
    subject: readSubject(claims),
    clientId: readClient(claims),
    scopes: readScopes(claims['scope']),
    confirmation: readConfirmation(claims),
  };
}

/** An ID, refresh or logout token has a valid signature of the same issuer, and is no access token. */
function checkKind(claims: JsonObject): void {
  const { typ, events, at_hash: tokenHash, c_hash: codeHash } = claims;
  if (typ !== undefined && typeof typ !== 'string') throw new Problem('token_claim_type', 'typ is not a string');
  if (typ !== undefined && OTHER_TOKEN_KINDS.has(typ.toLowerCase())) {
    throw new Problem('token_typ_mismatch', `the typ claim is ${excerpt(typ)}`);
  }
  // RFC 8417 section 2.2: only security event tokens carry it, logout tokens among them
  if (events !== undefined) throw new Problem('token_typ_mismatch', 'the token is a security event token');
  // OpenID Connect Core 1.0 section 3.3.2.11: hashes of what an ID token was issued beside
  if (tokenHash !== undefined || codeHash !== undefined) {
    throw new Problem('token_typ_mismatch', 'the token is an ID token');
  }
}

/**
 * `exp`, which must be there, `nbf` and `iat`.
 *
 * @returns `exp`
 * @throws Problem `token_claim_type`, `token_exp_missing`, `token_expired`, `token_not_yet_valid`, `token_lifetime_exceeded`
 */
export function checkDates(claims: JsonObject, rules: DateRules, nowSeconds: number): number {
  const expiresAt = readDate(claims, 'exp');
  const issuedAt = readDate(claims, 'iat');
  const notBefore = readDate(claims, 'nbf');
  const { clockSkewSeconds, maxLifetimeSeconds } = rules;
  if (expiresAt === undefined) throw new Problem('token_exp_missing', 'no exp claim');
  if (nowSeconds >= expiresAt + clockSkewSeconds) {
    throw new Problem('token_expired', `expired ${Math.round(nowSeconds - expiresAt)} s ago`);
  }
  for (const [name, date] of [
    ['nbf', notBefore],
    ['iat', issuedAt],
  ] as const) {
    if (date === undefined || date <= nowSeconds + clockSkewSeconds) continue;
    throw new Problem('token_not_yet_valid', `${name} is ${Math.round(date - nowSeconds)} s ahead`);
  }
  // Without iat the remaining time is all that is known of the lifetime.
  const lifetime = expiresAt - (issuedAt ?? nowSeconds);
  if (lifetime > maxLifetimeSeconds) {
    throw new Problem(
      'token_lifetime_exceeded',
      `lifetime of ${Math.round(lifetime)} s, at most ${maxLifetimeSeconds} s`,
    );
  }
  return expiresAt;
}

function readDate(claims: JsonObject, name: 'exp' | 'iat' | 'nbf'): number | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || value < 0 || value >= MAX_DATE_SECONDS) {
    throw new Problem('token_claim_type', `${name} is not a number of seconds since 1970`);
  }
  return value;
}

function readAudiences(claims: JsonObject, rules: ClaimRules): readonly string[] {
  const { aud } = claims;
  if (aud === undefined || (isJsonArray(aud) && aud.length === 0)) {
    throw new Problem('token_aud_missing', 'no aud claim, or an empty one');
  }
  const audiences = typeof aud === 'string' ? Object.freeze([aud]) : aud;
  if (!isJsonArray(audiences) || !audiences.every((audience) => typeof audience === 'string')) {
    throw new Problem('token_aud_mismatch', 'aud is neither a string nor an array of strings');
  }
  if (rules.singleAudience && audiences.length > 1) {
    throw new Problem('token_aud_multiple', `aud names ${audiences.length} audiences`);
  }
  return audiences;
}

function readOperations(audiences: readonly string[], rules: ClaimRules): readonly Operation[] | undefined {
  if (audiences.some((audience) => rules.audiences.includes(audience))) return undefined;
  const operations = rules.operationAudiences === true ? operationsOf(audiences, rules.audiences) : [];
  if (operations.length > 0) return operations;
  throw new Problem(
    'token_aud_mismatch',
    `aud is ${audiences
      .map((audience) => excerpt(audience))
      .join(', ')
      .slice(0, 300)}`,
  );
}

function readSubject(claims: JsonObject): string {
  const { sub } = claims;
  if (typeof sub !== 'string' || sub.trim() === '' || hasControlCharacters(sub)) {
    throw new Problem('token_sub_invalid', 'sub is missing, not a string, empty or not printable');
  }
  return sub;
}

function readClient(claims: JsonObject): string | undefined {
  const authorizedParty = readClientId(claims, 'azp');
  const clientId = readClientId(claims, 'client_id');
  if (authorizedParty !== undefined && clientId !== undefined && authorizedParty !== clientId) {
    throw new Problem('token_client_mismatch', `azp is ${excerpt(authorizedParty)}, client_id is ${excerpt(clientId)}`);
  }
  return authorizedParty ?? clientId;
}

function readClientId(claims: JsonObject, name: 'azp' | 'client_id'): string | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '' || hasControlCharacters(value)) {
    throw new Problem('token_claim_type', `${name} is not a printable string`);
  }
  return value;
}

function readConfirmation(claims: JsonObject): Confirmation | undefined {
  const { cnf } = claims;
  if (cnf === undefined) return undefined;
  if (!isJsonObject(cnf)) throw new Problem('token_claim_type', 'cnf is not an object');
  return Object.freeze({ ...readThumbprint(cnf, 'x5t#S256'), ...readThumbprint(cnf, 'jkt') });
}

function readThumbprint(cnf: JsonObject, name: 'x5t#S256' | 'jkt'): Confirmation {
  const value = cnf[name];
  if (value === undefined) return {};
  if (typeof value !== 'string' || !THUMBPRINT.test(value)) {
    throw new Problem('token_claim_type', `cnf.${name} is not a SHA-256 thumbprint`);
  }
  return { [name]: value };
}

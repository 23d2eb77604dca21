/** The body of a token endpoint's answer: RFC 6749 section 5.1 for a token, section 5.2 for an error. */
import { JsonError, parseStrictJson } from '../jwt/strict-json.ts';
import { Problem } from '../problem.ts';
import { excerpt } from '../x509/excerpt.ts';
import { AccessToken } from './access-token.ts';

const MAX_TOKEN_LENGTH = 8 * 1024;
const DEFAULT_LIFETIME_SECONDS = 60;
const MAX_LIFETIME_SECONDS = 24 * 3600;
/** More is no duration, but a date. */
const MAX_EXPIRES_IN = 366 * 24 * 3600;
const MAX_DETAIL_CHARACTERS = 200;

/** What may stand in an Authorization header (RFC 6750 section 2.1), so nothing that could end one. */
const BEARER_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
/** scope of RFC 6749 section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/;

export interface TokenResponseContext {
  readonly requestedScopes: readonly string[];
  /** When the request was sent, in milliseconds since the epoch. */
  readonly sentAt: number;
  /** `Bearer` by default; any other answer would be used in another way than was asked for. */
  readonly tokenType?: 'Bearer' | 'DPoP' | 'N_A';
  /** RFC 8693 section 2.2.1; undefined: it need not be named. */
  readonly issuedTokenType?: string | undefined;
}

/** @throws Problem `idp_bad_response` */
export function readTokenResponse(body: Buffer, context: TokenResponseContext): AccessToken {
  const { requestedScopes, sentAt, tokenType = 'Bearer', issuedTokenType } = context;
  const answer = parseObject(body);
  if (answer === undefined) throw unusable('not a JSON object');
  const { access_token: value, token_type: type, scope } = answer;

  if (typeof value !== 'string' || value === '') throw unusable('without access_token');
  if (value.length > MAX_TOKEN_LENGTH)
    throw unusable(`with an access_token of more than ${MAX_TOKEN_LENGTH} characters`);
  if (!BEARER_TOKEN.test(value)) throw unusable('with an access_token that has characters no header may carry');
  if (typeof type !== 'string' || type.toLowerCase() !== tokenType.toLowerCase()) {
    throw unusable(`without token_type ${tokenType}`);
  }
  if (issuedTokenType !== undefined && answer['issued_token_type'] !== issuedTokenType) {
    throw unusable('with another issued_token_type than was asked for');
  }
  if (scope !== undefined && (typeof scope !== 'string' || (scope !== '' && !SCOPE.test(scope)))) {
    throw unusable('with a scope that is not a list of names');
  }

  const lifetimeSeconds = lifetime(answer['expires_in'], readJwtExpiry(value), sentAt);
  if (lifetimeSeconds <= 0) throw unusable('with a token that has expired, as far as our clock knows');
  const scopes = scope === undefined ? requestedScopes : scope.split(' ').filter((name) => name !== '');
  return new AccessToken(value, { expiresAt: sentAt + lifetimeSeconds * 1000, scopes, issuedScope: scope });
}

/** What an error answer says, quoted and short; hidden as a whole when it repeats a secret. */
export function readTokenError(body: Buffer, secrets: readonly string[]): string {
  const answer = parseObject(body);
  const { error, error_description: description } = answer ?? {};
  if (typeof error !== 'string') return 'no RFC 6749 error in it';
  const text = typeof description === 'string' ? `${error}: ${description}` : error;
  if (secrets.some((secret) => text.includes(secret))) return 'an error that repeats the client secret';
  return excerpt(text, MAX_DETAIL_CHARACTERS);
}

/**
 * `expires_in`, else the token's own expiry, else a minute. A token's expiry is read without verifying it,
 * therefore it only ever shortens what the endpoint promised.
 */
function lifetime(expiresIn: unknown, jwtExpiry: number | undefined, sentAt: number): number {
  const limits = [MAX_LIFETIME_SECONDS];
  const isValid = typeof expiresIn === 'number' && expiresIn > 0 && expiresIn <= MAX_EXPIRES_IN;
  if (isValid) limits.push(expiresIn);
  if (jwtExpiry !== undefined) limits.push(jwtExpiry - sentAt / 1000);
  if (limits.length === 1) limits.push(DEFAULT_LIFETIME_SECONDS);
  return Math.min(...limits);
}

/** `error` of an answer, if it is one of RFC 6749 section 5.2. */
export function tokenErrorCode(body: Buffer): string | undefined {
  const code = parseObject(body)?.['error'];
  return typeof code === 'string' ? code : undefined;
}

/** Seconds since the epoch, if the token is a JWT with an `exp`; nothing about it is verified. */
export function readJwtExpiry(token: string): number | undefined {
  const [, payload, signature] = token.split('.');
  if (payload === undefined || signature === undefined) return undefined;
  const expiry = parseObject(Buffer.from(payload, 'base64url'))?.['exp'];
  return typeof expiry === 'number' && Number.isFinite(expiry) ? expiry : undefined;
}

function parseObject(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    if (namesMemberTwice(body)) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    // Without a prototype, so that no member is found that the answer does not have.
    return Object.assign(Object.create(null) as Record<string, unknown>, value);
  } catch {
    return undefined;
  }
}

/** Two readers could take another one of them for the token. */
function namesMemberTwice(body: Buffer): boolean {
  try {
    parseStrictJson(body);
    return false;
  } catch (error) {
    return error instanceof JsonError && error.kind === 'duplicate_member';
  }
}

const unusable = (what: string): Problem =>
  new Problem('idp_bad_response', `the token endpoint gave an answer ${what}`);

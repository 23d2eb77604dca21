/**
 * `POST …/token` (RFC 6749 section 3.2), read from top to bottom: form, grant, client, subject, scope, audience,
 * binding, token. Whatever fails is refused, logged once and counted against the caller.
 */
import { type Clock, type DpopNonces, Problem, type ReplayStore, type Revocations } from '@sidegate/sdk';
import type { RealmEvents } from '../events/realm-events.ts';
import { signedToken, type TokenGrant } from './access-token.ts';
import { type Answer, errorAnswer } from './answer.ts';
import { grantAudience, transactionAudience } from './audience.ts';
import { confirmationOf } from './binding.ts';
import { authenticateClient } from './client-authentication.ts';
import type { ClientSecrets } from './client-secrets.ts';
import type { EndpointRequest } from './endpoint-request.ts';
import type { FailureLimit } from './failure-limit.ts';
import { findGrant } from './grants/grants.ts';
import { ACCESS_TOKEN, TRANSACTION_TOKEN } from './grants/token-exchange.ts';
import type { IssuedTokens } from './issued-tokens.ts';
import { OAuthError } from './oauth-error.ts';
import { readCredentials } from './presented-credentials.ts';
import { type Client, findClient, type Realm } from './realm.ts';
import { requireUnrevoked } from './require-unrevoked.ts';
import { grantScope } from './scope.ts';
import type { SecretDigest } from './secret-digest.ts';
import type { KeyRing } from './signing-key.ts';
import type { TokenEvent } from './token-event.ts';
import { parseTokenForm } from './token-form.ts';
import { isJsonBody, parseTokenJson } from './token-json.ts';

export interface TokenEndpoint {
  readonly realm: Realm;
  readonly keys: KeyRing;
  /** What the realm has revoked. */
  readonly events: RealmEvents;
  readonly digest: SecretDigest;
  /** Absent: clients have the secrets of the realm file only. */
  readonly secrets: ClientSecrets | undefined;
  readonly replay: ReplayStore;
  /** Absent: nobody asks later what was issued. */
  readonly issued: IssuedTokens | undefined;
  readonly failures: FailureLimit;
  readonly clock: Clock;
  /** Absent: DPoP proofs need no nonce. */
  readonly nonces: DpopNonces | undefined;
  /** What a realm of this process has revoked, by its issuer. */
  readonly revocationsOf: (issuer: string) => Revocations | undefined;
  /** Unique for ever. */
  readonly newTokenId: () => string;
  readonly log: (event: TokenEvent) => void;
}

interface DecidedToken extends TokenGrant {
  /** Only where a token was exchanged. */
  readonly issuedTokenType: string | undefined;
}

/** What is known so far, for the log and the failure limit; filled in as the request is understood. */
interface Trace {
  grant?: string;
  client?: string | undefined;
  user?: string;
  /** From where, and which client it claims to be, proven or not; never logged. */
  caller: string;
}

/** Answers a `POST`; never rejects. */
export async function answerTokenRequest(request: EndpointRequest, endpoint: TokenEndpoint): Promise<Answer> {
  const trace: Trace = { caller: callerOf(request, endpoint, undefined) };
  try {
    const body = await request.readBody();
    const grant = await decide(request, body, { endpoint, trace });
    // once more: of many guesses that are under way together, the right one must not come through behind the others
    refuseOverLimit(endpoint, trace);
    return await issue(grant, endpoint, (outcome) => report({ decision: 'issued', ...outcome }));
  } catch (error) {
    const refusal = overLimit(endpoint, trace) ?? asOAuthError(error);
    if (isFailure(refusal)) {
      endpoint.failures.recordFailure(trace.caller, endpoint.clock.monotonic());
    }
    report({ decision: 'refused', error: refusal.code, reason: refusal.detail });
    return errorAnswer(refusal);
  }

  function report(outcome: Pick<TokenEvent, 'decision'> & Partial<TokenEvent>): void {
    const { grant, client, user } = trace;
    const known = { realm: endpoint.realm.name, client, user, grant, remote_address: request.remoteAddress };
    endpoint.log({ event: 'token', ...known, ...outcome });
  }
}

interface Context {
  readonly endpoint: TokenEndpoint;
  readonly trace: Trace;
}

async function decide(request: EndpointRequest, body: Buffer, { endpoint, trace }: Context): Promise<DecidedToken> {
  const { realm } = endpoint;
  if (request.hasQuery) throw new OAuthError('invalid_request', 'parameters belong in the body, not in the URI');
  const isJson = realm.jsonTokenEndpoint && isJsonBody(request.contentType);
  const form = isJson ? parseTokenJson(body) : parseTokenForm(request.contentType, body);

  const grantType = form.get('grant_type');
  if (grantType === undefined) throw new OAuthError('invalid_request', 'grant_type is required');
  const grant = findGrant(realm, grantType);
  if (grant === undefined) {
    const detail = 'this realm does not offer that grant';
    throw new OAuthError('unsupported_grant_type', 'Invalid grant type', { detail });
  }
  trace.grant = grantType;

  const credentials = readCredentials(request.authorization, form);
  trace.caller = callerOf(request, endpoint, credentials.clientId);
  refuseOverLimit(endpoint, trace);
  trace.client = findClient(realm, credentials.clientId)?.id;
  const client = await authenticateClient(credentials, { ...endpoint, peer: request.peer });
  const { revocations } = endpoint.events.journal;
  requireUnrevoked(client, request.peer, revocations);

  const username = grantType === 'password' ? form.get('username') : undefined;
  if (username !== undefined && realm.users.has(username)) trace.user = username;
  const { subject, limits, actor, transaction, exchanged } = await grant({ ...endpoint, client, form });
  if (revocations.blocks('subject', subject.id)) throw new OAuthError('invalid_grant', 'the subject was revoked');
  const { names: scope, scopes } = grantScope(client, form.get('scope'), limits?.scopes);
  const decided = {
    realm,
    client,
    subject,
    actor,
    scope,
    transaction,
    lifetimeSeconds: lifetimeOf(client, limits?.expiresAt, endpoint.clock),
  };
  if (transaction !== undefined) {
    const audience = transactionAudience(realm, form);
    if (scope.length === 0) throw new OAuthError('invalid_scope', 'a transaction has a purpose: name its scope');
    return { ...decided, audience, confirmation: undefined, issuedTokenType: TRANSACTION_TOKEN };
  }
  const audience = grantAudience(client, scopes, form);
  const confirmation = await confirmationOf(client, request, endpoint);
  return { ...decided, audience, confirmation, issuedTokenType: exchanged && ACCESS_TOKEN };
}

/** As long as the client's tokens live, and no longer than what this one was exchanged for. */
function lifetimeOf({ tokenLifetimeSeconds }: Client, expiresAt: number | undefined, clock: Clock): number {
  if (expiresAt === undefined) return tokenLifetimeSeconds;
  const left = Math.floor(expiresAt) - Math.floor(clock.now() / 1000);
  if (left < 1) throw new OAuthError('invalid_request', 'the subject token has expired');
  return Math.min(tokenLifetimeSeconds, left);
}

async function issue(
  decided: DecidedToken,
  endpoint: TokenEndpoint,
  report: (outcome: Partial<TokenEvent>) => void,
): Promise<Answer> {
  const { client, audience, confirmation, lifetimeSeconds, subject, issuedTokenType } = decided;
  const key = endpoint.keys.current(client.algorithm);
  if (key === undefined) throw new Error(`no ${client.algorithm} key`);
  const jti = endpoint.newTokenId();
  const nowMs = endpoint.clock.now();
  const [token] = await Promise.all([
    signedToken(decided, { key, jti, nowMs }),
    endpoint.issued?.record({
      jti,
      realm: decided.realm.name,
      client: client.id,
      subject: subject.id,
      audience,
      scope: decided.scope,
      issuedAt: nowMs,
      // as its `exp` says it
      expiresAt: (Math.floor(nowMs / 1000) + lifetimeSeconds) * 1000,
    }),
  ]);
  const scope = decided.scope.length === 0 ? {} : { scope: decided.scope.join(' ') };
  report({
    audience,
    jti,
    subject: subject.id,
    expires_in: lifetimeSeconds,
    ...scope,
    certificate_bound: confirmation?.['x5t#S256'] !== undefined,
    ...(confirmation?.jkt === undefined ? {} : { key_bound: true }),
    ...(decided.transaction === undefined ? {} : { txn: decided.transaction.id }),
  });
  return {
    status: 200,
    headers: {},
    body: {
      access_token: token,
      ...(issuedTokenType === undefined ? {} : { issued_token_type: issuedTokenType }),
      token_type: tokenType(decided),
      expires_in: lifetimeSeconds,
      ...scope,
    },
  };
}

function tokenType({ transaction, confirmation, realm }: DecidedToken): string {
  if (transaction !== undefined) return 'N_A';
  if (confirmation?.jkt !== undefined) return 'DPoP';
  return realm.jsonTokenEndpoint ? 'bearer' : 'Bearer';
}

/** What is our fault, or only asks a proven client for a nonce, is not held against the caller. */
function isFailure({ status, code }: OAuthError): boolean {
  return status < 500 && code !== 'use_dpop_nonce';
}

/** @throws OAuthError `temporarily_unavailable` */
function refuseOverLimit(endpoint: TokenEndpoint, trace: Trace): void {
  const limited = overLimit(endpoint, trace);
  if (limited !== undefined) throw limited;
}

function overLimit({ failures, clock }: TokenEndpoint, { caller }: Trace): OAuthError | undefined {
  const seconds = failures.retryAfterSeconds(caller, clock.monotonic());
  if (seconds === undefined) return undefined;
  const headers = { 'retry-after': String(seconds) };
  return new OAuthError('temporarily_unavailable', 'too many refused requests', { headers });
}

function callerOf({ remoteAddress }: EndpointRequest, { realm }: TokenEndpoint, claimed: string | undefined): string {
  return JSON.stringify([realm.name, claimed, remoteAddress]);
}

function asOAuthError(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error;
  if (error instanceof Problem && error.row.status === 503) {
    const options = { status: 503, detail: error.message };
    return new OAuthError('temporarily_unavailable', 'something that this needs is not available now', options);
  }
  return new OAuthError('server_error', 'the token could not be issued', { detail: `unexpected: ${String(error)}` });
}

/**
 * `POST …/token` (RFC 6749 section 3.2), read from top to bottom: form, grant, client, subject, scope, audience,
 * binding, token. Whatever fails is refused, logged once and counted against the caller.
 */
import { type Clock, Problem, type ReplayStore } from '@sidegate/sdk';
import type { RealmEvents } from '../events/realm-events.ts';
import { type AccessGrant, accessToken } from './access-token.ts';
import { type Answer, errorAnswer } from './answer.ts';
import { grantAudience } from './audience.ts';
import { authenticateClient } from './client-authentication.ts';
import type { ClientSecrets } from './client-secrets.ts';
import type { EndpointRequest } from './endpoint-request.ts';
import type { FailureLimit } from './failure-limit.ts';
import { grantsOf } from './grants/grants.ts';
import type { IssuedTokens } from './issued-tokens.ts';
import { OAuthError } from './oauth-error.ts';
import { certificateThumbprint, type PeerCertificate } from './peer-certificate.ts';
import { readCredentials } from './presented-credentials.ts';
import { type Client, type ClientAuthentication, findClient, type Realm } from './realm.ts';
import { requireUnrevoked } from './require-unrevoked.ts';
import { grantScope } from './scope.ts';
import type { SecretDigest } from './secret-digest.ts';
import type { KeyRing } from './signing-key.ts';
import type { TokenEvent } from './token-event.ts';
import { parseTokenForm } from './token-form.ts';

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
  /** Unique for ever. */
  readonly newTokenId: () => string;
  readonly log: (event: TokenEvent) => void;
}

/** What is known so far, for the log and the failure limit; filled in as the request is understood. */
interface Trace {
  grant?: string;
  client?: string | undefined;
  user?: string;
  /** The client that the caller claims to be, proven or not; never logged. */
  claimed?: string;
}

/** Answers a `POST`; never rejects. */
export async function answerTokenRequest(request: EndpointRequest, endpoint: TokenEndpoint): Promise<Answer> {
  const trace: Trace = {};
  try {
    const body = await request.readBody();
    const grant = await decide(request, body, { endpoint, trace });
    return await issue(grant, endpoint, (outcome) => report({ decision: 'issued', ...outcome }));
  } catch (error) {
    const refusal = overLimit(request, endpoint, trace) ?? asOAuthError(error);
    endpoint.failures.recordFailure(callerOf(request, endpoint, trace), endpoint.clock.monotonic());
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

async function decide(request: EndpointRequest, body: Buffer, { endpoint, trace }: Context): Promise<AccessGrant> {
  const { realm, digest } = endpoint;
  if (request.hasQuery) throw new OAuthError('invalid_request', 'parameters belong in the body, not in the URI');
  const form = parseTokenForm(request.contentType, body);

  const grantType = form.get('grant_type');
  if (grantType === undefined) throw new OAuthError('invalid_request', 'grant_type is required');
  const grant = grantsOf(realm).get(grantType);
  if (grant === undefined) throw new OAuthError('unsupported_grant_type', 'this realm does not offer that grant');
  trace.grant = grantType;

  const credentials = readCredentials(request.authorization, form);
  trace.claimed = credentials.clientId;
  const limited = overLimit(request, endpoint, trace);
  if (limited !== undefined) throw limited;
  trace.client = findClient(realm, credentials.clientId)?.id;
  const { peer } = request;
  const client = await authenticateClient(credentials, { ...endpoint, peer });
  const { revocations } = endpoint.events.journal;
  requireUnrevoked(client, peer, revocations);

  const username = grantType === 'password' ? form.get('username') : undefined;
  if (username !== undefined && realm.users.has(username)) trace.user = username;
  const subject = grant({ realm, client, form, digest });
  if (revocations.blocks('subject', subject.id)) throw new OAuthError('invalid_grant', 'the subject was revoked');
  const { names, scopes } = grantScope(client, form.get('scope'));
  const audience = grantAudience(client, scopes, form);
  return { realm, client, subject, audience, scope: names, certificateThumbprint: binding(client, peer) };
}

const BY_CERTIFICATE: ReadonlySet<ClientAuthentication['method']> = new Set([
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'spiffe_x509',
]);

/** The token is bound when the certificate authenticated the client or the client is configured so. */
function binding(client: Client, peer: PeerCertificate | undefined): string | undefined {
  if (!client.certificateBound && !BY_CERTIFICATE.has(client.authentication.method)) return undefined;
  if (peer === undefined) {
    throw new OAuthError('invalid_request', 'tokens of this client are bound to a certificate; none was presented');
  }
  return certificateThumbprint(peer);
}

async function issue(
  grant: AccessGrant,
  endpoint: TokenEndpoint,
  report: (outcome: Partial<TokenEvent>) => void,
): Promise<Answer> {
  const key = endpoint.keys.current(grant.client.algorithm);
  if (key === undefined) throw new Error(`no ${grant.client.algorithm} key`);
  const jti = endpoint.newTokenId();
  const nowMs = endpoint.clock.now();
  const expiresIn = grant.realm.tokenLifetimeSeconds;
  const [token] = await Promise.all([
    accessToken(grant, { key, jti, nowMs }),
    endpoint.issued?.record({
      jti,
      realm: grant.realm.name,
      client: grant.client.id,
      subject: grant.subject.id,
      audience: grant.audience,
      scope: grant.scope,
      issuedAt: nowMs,
      expiresAt: nowMs + expiresIn * 1000,
    }),
  ]);
  const scope = grant.scope.join(' ');
  report({
    audience: grant.audience,
    jti,
    expires_in: expiresIn,
    certificate_bound: grant.certificateThumbprint !== undefined,
    ...(scope === '' ? {} : { scope }),
  });
  return {
    status: 200,
    headers: {},
    body: { access_token: token, token_type: 'Bearer', expires_in: expiresIn, ...(scope === '' ? {} : { scope }) },
  };
}

function overLimit(request: EndpointRequest, endpoint: TokenEndpoint, trace: Trace): OAuthError | undefined {
  const caller = callerOf(request, endpoint, trace);
  const seconds = endpoint.failures.retryAfterSeconds(caller, endpoint.clock.monotonic());
  if (seconds === undefined) return undefined;
  const headers = { 'retry-after': String(seconds) };
  return new OAuthError('temporarily_unavailable', 'too many refused requests', { headers });
}

function callerOf(request: EndpointRequest, { realm }: TokenEndpoint, { claimed }: Trace): string {
  return JSON.stringify([realm.name, claimed, request.remoteAddress]);
}

function asOAuthError(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error;
  if (error instanceof Problem && error.row.status === 503) {
    const options = { status: 503, detail: error.message };
    return new OAuthError('temporarily_unavailable', 'something that this needs is not available now', options);
  }
  return new OAuthError('server_error', 'the token could not be issued', { detail: `unexpected: ${String(error)}` });
}

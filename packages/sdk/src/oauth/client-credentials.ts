/**
 * The client credentials grant (RFC 6749 section 4.4): one request, one answer.
 * A token endpoint is trusted to issue tokens, not to answer well: whatever is not a usable answer is refused.
 */
import { AnswerTooLarge, type Clock, type HttpClient, type HttpRequest, type HttpResponse } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { AccessToken } from './access-token.ts';
import { type AuthenticatedClient, authenticateClient, type ClientAuthentication } from './client-authentication.ts';
import { readTokenError, readTokenResponse } from './token-response.ts';

export interface ClientCredentialsGrant {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly authentication: ClientAuthentication;
  readonly scopes: readonly string[];
  readonly audience?: string;
  /** RFC 8707. */
  readonly resource?: string;
  /** What else this issuer wants to be told; none of {@link RESERVED_TOKEN_PARAMETERS}. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** What a grant says elsewhere, or would make another request of this one. */
export const RESERVED_TOKEN_PARAMETERS: ReadonlySet<string> = new Set([
  'grant_type',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'scope',
  'audience',
  'resource',
  'assertion',
  'actor_token',
  'actor_token_type',
  'code',
  'code_verifier',
  'password',
  'redirect_uri',
  'refresh_token',
  'request',
  'request_uri',
  'subject_token',
  'subject_token_type',
  'username',
]);

export interface TokenExchangeDependencies {
  readonly http: HttpClient;
  readonly clock: Clock;
}

const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const RETRY_AFTER_SECONDS = 5;
const MAX_RETRY_AFTER_SECONDS = 300;

/**
 * Asks for a token once.
 *
 * @throws Problem `idp_unavailable` when there is no answer, `idp_bad_response` when the answer is a refusal or unusable
 */
export async function obtainToken(
  grant: ClientCredentialsGrant,
  { http, clock }: TokenExchangeDependencies,
): Promise<AccessToken> {
  // A token lives from when it was issued, which is after the request was sent: this end is the safe one.
  const sentAt = clock.now();
  const client = authenticateClient(grant.clientId, grant.authentication, sentAt);
  const response = await send(tokenRequest(grant, client), http);
  if (response.status !== 200) throw refusal(response, client);
  return readTokenResponse(response.body, { requestedScopes: grant.scopes, sentAt });
}

function tokenRequest(grant: ClientCredentialsGrant, client: AuthenticatedClient): HttpRequest {
  const { scopes, audience, resource, parameters = {} } = grant;
  const free = Object.entries(parameters).filter(([name]) => !RESERVED_TOKEN_PARAMETERS.has(name));
  const body = new URLSearchParams([
    ...free,
    ['grant_type', 'client_credentials'],
    ...(scopes.length > 0 ? [['scope', scopes.join(' ')] as [string, string]] : []),
    ...(audience === undefined ? [] : [['audience', audience] as [string, string]]),
    ...(resource === undefined ? [] : [['resource', resource] as [string, string]]),
    ...Object.entries(client.parameters),
  ]);
  return {
    method: 'POST',
    url: grant.tokenUrl,
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      ...client.headers,
    },
    body: body.toString(),
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_ANSWER_BYTES,
  };
}

function refusal({ status, headers, body }: HttpResponse, { secrets }: AuthenticatedClient): Problem {
  if (status >= 500 || status === 429) {
    const retryAfterSeconds = readRetryAfter(headers['retry-after']);
    return new Problem('idp_unavailable', `the token endpoint answered ${status}`, { retryAfterSeconds });
  }
  const detail = status >= 400 ? readTokenError(body, secrets) : 'which is neither a token nor an error';
  return new Problem('idp_bad_response', `the token endpoint answered ${status}: ${detail}`);
}

async function send(request: HttpRequest, http: HttpClient): Promise<HttpResponse> {
  try {
    return await http(request);
  } catch (cause) {
    if (cause instanceof AnswerTooLarge) {
      throw new Problem('idp_bad_response', `the token endpoint answered more than ${MAX_ANSWER_BYTES} bytes`, {
        cause,
      });
    }
    throw new Problem('idp_unavailable', 'the token endpoint did not answer', {
      cause,
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }
}

function readRetryAfter(value: string | undefined): number {
  if (value === undefined || !/^\d{1,9}$/.test(value)) return RETRY_AFTER_SECONDS;
  return Math.min(Math.max(Number(value), 1), MAX_RETRY_AFTER_SECONDS);
}

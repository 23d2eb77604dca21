/**
 * The client credentials grant (RFC 6749 section 4.4) as a pair, request and response, and the exchange of both.
 * A token endpoint is trusted to issue tokens, not to answer well: whatever is not a usable answer is refused.
 */
import { AnswerTooLarge, type Clock, type HttpClient, type HttpRequest, type HttpResponse } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { AccessToken } from './access-token.ts';
import { readTokenError, readTokenResponse } from './token-response.ts';

export interface ClientCredentialsGrant {
  readonly tokenUrl: string;
  readonly clientId: string;
  /** Asked for at each request, so that no plain secret lies in an options object. */
  readonly clientSecret: { reveal(): string };
  /** Where the secret goes; never both (RFC 6749 section 2.3). */
  readonly clientAuthentication: 'client_secret_post' | 'client_secret_basic';
  readonly scopes: readonly string[];
  readonly audience?: string;
  /** RFC 8707. */
  readonly resource?: string;
}

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
  const response = await send(grant, http);
  return processClientCredentialsResponse(response, grant, sentAt);
}

/** The token request, with the client authenticated in exactly one way. */
export function clientCredentialsRequest(grant: ClientCredentialsGrant): HttpRequest {
  const body = new URLSearchParams({ grant_type: 'client_credentials' });
  if (grant.scopes.length > 0) body.set('scope', grant.scopes.join(' '));
  if (grant.audience !== undefined) body.set('audience', grant.audience);
  if (grant.resource !== undefined) body.set('resource', grant.resource);
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  };
  if (grant.clientAuthentication === 'client_secret_basic') {
    headers['authorization'] = `Basic ${basicCredentials(grant)}`;
  } else {
    body.set('client_id', grant.clientId);
    body.set('client_secret', grant.clientSecret.reveal());
  }
  return {
    method: 'POST',
    url: grant.tokenUrl,
    headers,
    body: body.toString(),
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_ANSWER_BYTES,
  };
}

/**
 * Reads the answer to {@link clientCredentialsRequest}.
 *
 * @param sentAt when the request was sent, in milliseconds since the epoch
 * @throws Problem `idp_unavailable` or `idp_bad_response`
 */
export function processClientCredentialsResponse(
  response: HttpResponse,
  grant: ClientCredentialsGrant,
  sentAt: number,
): AccessToken {
  const { status, headers, body } = response;
  if (status === 200) return readTokenResponse(body, { requestedScopes: grant.scopes, sentAt });
  if (status >= 500 || status === 429) {
    const retryAfterSeconds = readRetryAfter(headers['retry-after']);
    throw new Problem('idp_unavailable', `the token endpoint answered ${status}`, { retryAfterSeconds });
  }
  const detail = status >= 400 ? readTokenError(body, secretForms(grant)) : 'which is neither a token nor an error';
  throw new Problem('idp_bad_response', `the token endpoint answered ${status}: ${detail}`);
}

async function send(grant: ClientCredentialsGrant, http: HttpClient): Promise<HttpResponse> {
  try {
    return await http(clientCredentialsRequest(grant));
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

/** RFC 6749 section 2.3.1: both parts are form-encoded before they are joined, so a colon cannot move. */
function basicCredentials({ clientId, clientSecret }: ClientCredentialsGrant): string {
  return Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret.reveal())}`).toString('base64');
}

const formEncode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);

/** Every spelling in which an endpoint could echo the secret. */
function secretForms(grant: ClientCredentialsGrant): readonly string[] {
  const secret = grant.clientSecret.reveal();
  return [secret, formEncode(secret), encodeURIComponent(secret), basicCredentials(grant)];
}

function readRetryAfter(value: string | undefined): number {
  if (value === undefined || !/^\d{1,9}$/.test(value)) return RETRY_AFTER_SECONDS;
  return Math.min(Math.max(Number(value), 1), MAX_RETRY_AFTER_SECONDS);
}

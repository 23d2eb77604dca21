/**
 * One request to a token endpoint and its one answer, whatever the grant (RFC 6749 section 3.2).
 * An endpoint is trusted to issue tokens, not to answer well: whatever is not a usable answer is refused.
 */
import type { DpopProver } from '../dpop/prover.ts';
import { AnswerTooLarge, type Clock, type HttpClient, type HttpRequest, type HttpResponse } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { AccessToken } from './access-token.ts';
import { authenticateClient, type ClientAuthentication } from './client-authentication.ts';
import { readTokenError, readTokenResponse, tokenErrorCode } from './token-response.ts';

export interface TokenEndpoint {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly authentication: ClientAuthentication;
  /** The key that tokens are to be bound to (RFC 9449); absent: they are not bound to one. */
  readonly prover?: DpopProver | undefined;
}

export interface TokenQuestion {
  readonly form: readonly (readonly [name: string, value: string])[];
  readonly requestedScopes: readonly string[];
  /** RFC 8693 section 2.2.1; absent: it need not be named. */
  readonly issuedTokenType?: string;
  /** `N_A` is a token that is no access token; absent: one, of the kind that the endpoint's prover makes it. */
  readonly tokenType?: 'N_A';
  /** What else an answer must not repeat into a log. */
  readonly secrets?: readonly string[];
}

export interface TokenExchangeDependencies {
  readonly http: HttpClient;
  readonly clock: Clock;
}

const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const RETRY_AFTER_SECONDS = 5;
const MAX_RETRY_AFTER_SECONDS = 300;

/** @throws Problem `idp_unavailable` when there is no answer, `idp_bad_response` when it is a refusal or unusable */
export async function requestToken(
  endpoint: TokenEndpoint,
  question: TokenQuestion,
  { http, clock }: TokenExchangeDependencies,
): Promise<AccessToken> {
  // A token lives from when it was issued, which is after the request was sent: this end is the safe one.
  const sentAt = clock.now();
  const { clientId, authentication, prover } = endpoint;
  const client = await authenticateClient(clientId, authentication, sentAt);
  const secrets = [...client.secrets, ...(question.secrets ?? [])];
  const form = [...question.form, ...Object.entries(client.parameters)];
  const request = (): HttpRequest => tokenRequest(endpoint, { headers: client.headers, form }, clock.now());
  let response = await send(request(), http);
  if (mayProveAgain(response, endpoint)) response = await send(request(), http);
  if (response.status !== 200) throw refusal(response, secrets);
  const { requestedScopes, issuedTokenType } = question;
  const tokenType = question.tokenType ?? (prover === undefined ? 'Bearer' : 'DPoP');
  return readTokenResponse(response.body, { requestedScopes, sentAt, tokenType, issuedTokenType });
}

interface Prepared {
  readonly headers: Readonly<Record<string, string>>;
  readonly form: readonly (readonly [string, string])[];
}

function tokenRequest({ tokenUrl, prover }: TokenEndpoint, { headers, form }: Prepared, now: number): HttpRequest {
  const proof = prover?.prove({ method: 'POST', url: tokenUrl }, now);
  return {
    method: 'POST',
    url: tokenUrl,
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      ...(proof === undefined ? {} : { dpop: proof }),
      ...headers,
    },
    body: new URLSearchParams(form.map(([name, value]) => [name, value])).toString(),
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_ANSWER_BYTES,
  };
}

/** RFC 9449 section 8: with the nonce of the refusal, once. */
function mayProveAgain({ status, headers, body }: HttpResponse, { tokenUrl, prover }: TokenEndpoint): boolean {
  const isNew = prover?.learn(tokenUrl, headers['dpop-nonce']) === true;
  return isNew && status === 400 && tokenErrorCode(body) === 'use_dpop_nonce';
}

function refusal({ status, headers, body }: HttpResponse, secrets: readonly string[]): Problem {
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

/** The frame of every endpoint beside the token endpoint that clients ask: form, limit, client; whatever fails is refused and counted. */
import { Problem } from '@sidegate/sdk';
import { StoreUnavailable } from '../store/database.ts';
import { type Answer, errorAnswer } from './answer.ts';
import { authenticateClient } from './client-authentication.ts';
import type { ClientEvent } from './client-event.ts';
import type { EndpointRequest } from './endpoint-request.ts';
import { OAuthError } from './oauth-error.ts';
import type { OwnTokens } from './own-token.ts';
import { readCredentials } from './presented-credentials.ts';
import type { Client } from './realm.ts';
import { requireUnrevoked } from './require-unrevoked.ts';
import type { TokenEndpoint } from './token-endpoint.ts';
import { parseTokenForm, type TokenForm } from './token-form.ts';

export interface ClientEndpoint extends Omit<TokenEndpoint, 'log'>, OwnTokens {
  readonly log: (event: ClientEvent) => void;
}

/** What is asked for, in the log. */
type Asked = ClientEvent['event'];

/** Answers a `POST`; never rejects. */
export function answerClient(
  request: EndpointRequest,
  endpoint: ClientEndpoint,
  event: Asked,
  answer: (form: TokenForm, client: Client) => Promise<Answer>,
): Promise<Answer> {
  return answerForm(request, endpoint, event, async (form) => answer(form, await clientOf(request, form, endpoint)));
}

/** The same for whoever proves itself in another way. */
export async function answerForm(
  request: EndpointRequest,
  endpoint: ClientEndpoint,
  event: Asked,
  answer: (form: TokenForm) => Promise<Answer>,
): Promise<Answer> {
  try {
    if (request.hasQuery) throw new OAuthError('invalid_request', 'parameters belong in the body, not in the URI');
    return await answer(parseTokenForm(request.contentType, await request.readBody()));
  } catch (error) {
    const refusal = asOAuthError(error);
    const { realm, log } = endpoint;
    const why = { error: refusal.code, reason: refusal.detail };
    log({ event, decision: 'refused', realm: realm.name, remote_address: request.remoteAddress, ...why });
    return errorAnswer(refusal);
  }
}

/** @throws OAuthError `invalid_client`, `invalid_request` or `temporarily_unavailable`, as a rejection */
export async function clientOf(request: EndpointRequest, form: TokenForm, endpoint: ClientEndpoint): Promise<Client> {
  const { realm, failures, clock, events } = endpoint;
  const credentials = readCredentials(request.authorization, form);
  const caller = JSON.stringify([realm.name, credentials.clientId, request.remoteAddress]);
  const refuseOverLimit = (): void => {
    const seconds = failures.retryAfterSeconds(caller, clock.monotonic());
    if (seconds === undefined) return;
    const headers = { 'retry-after': String(seconds) };
    throw new OAuthError('temporarily_unavailable', 'too many refused requests', { headers });
  };
  refuseOverLimit();
  try {
    const client = await authenticateClient(credentials, { ...endpoint, peer: request.peer });
    // of many guesses that are under way together, the right one must not come through behind the others
    refuseOverLimit();
    requireUnrevoked(client, request.peer, events.journal.revocations);
    return client;
  } catch (error) {
    // what is our fault is not held against the caller
    if (error instanceof OAuthError) failures.recordFailure(caller, clock.monotonic());
    throw error;
  }
}

function asOAuthError(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error;
  if (error instanceof StoreUnavailable || (error instanceof Problem && error.row.status === 503)) {
    return new OAuthError('temporarily_unavailable', 'this cannot be kept now', { status: 503, detail: error.message });
  }
  return new OAuthError('server_error', 'the request could not be answered', {
    detail: `unexpected: ${String(error)}`,
  });
}

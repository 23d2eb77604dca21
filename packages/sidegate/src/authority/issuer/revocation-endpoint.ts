/**
 * `POST …/revoke` (RFC 7009): a client takes back its own tokens. A token that does not count any more, or never did, is as good as
 * taken back.
 */
import type { Answer } from './answer.ts';
import { answerClient, type ClientEndpoint } from './client-request.ts';
import type { EndpointRequest } from './endpoint-request.ts';
import { OAuthError } from './oauth-error.ts';
import { clientOfToken, readOwnToken } from './own-token.ts';
import { tokenRevocation } from './revocable.ts';

const DONE: Answer = { status: 200, headers: {}, body: {} };

/** Answers a `POST`; never rejects. */
export function answerRevocation(request: EndpointRequest, endpoint: ClientEndpoint): Promise<Answer> {
  return answerClient(request, endpoint, 'revocation', async (form, client) => {
    const token = form.get('token');
    if (token === undefined) throw new OAuthError('invalid_request', 'token is required');
    const claims = await readOwnToken(token, endpoint);
    if (claims === undefined) return DONE;
    if (clientOfToken(claims) !== client.id) {
      throw new OAuthError('invalid_grant', 'the token was issued to another client');
    }
    const revocation = tokenRevocation(claims);
    await endpoint.events.journal.record([{ operation: 'revoke', revocation }]);
    const { realm, log } = endpoint;
    const by = { client: client.id, remote_address: request.remoteAddress };
    log({ event: 'revocation', decision: 'revoked', realm: realm.name, kind: 'jti', value: revocation.value, ...by });
    return DONE;
  });
}

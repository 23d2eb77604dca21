/**
 * `POST …/token/introspect` (RFC 7662). Only a client that the token is for learns anything of it; whatever is not a good token for
 * that client is inactive, and nobody is told why.
 */
import type { JsonObject } from '@sidegate/sdk';
import type { Answer } from './answer.ts';
import { answerClient, type ClientEndpoint } from './client-request.ts';
import type { EndpointRequest } from './endpoint-request.ts';
import { invalidClient, OAuthError } from './oauth-error.ts';
import { clientOfToken, readOwnToken, revocableToken } from './own-token.ts';

const INACTIVE: Answer = { status: 200, headers: {}, body: { active: false } };

/** Answers a `POST`; never rejects. */
export function answerIntrospection(request: EndpointRequest, endpoint: ClientEndpoint): Promise<Answer> {
  const realm = { ...endpoint.realm, clients: endpoint.realm.introspectors };
  return answerClient(request, { ...endpoint, realm }, 'introspection', async (form, client) => {
    if (client.authentication.method === 'none') throw invalidClient('a public client may not introspect');
    const token = form.get('token');
    if (token === undefined) throw new OAuthError('invalid_request', 'token is required');
    const claims = await readOwnToken(token, endpoint);
    if (claims === undefined || !audiencesOf(claims).includes(client.id)) return INACTIVE;
    if (endpoint.events.journal.revocations.ofToken(revocableToken(claims)) !== undefined) return INACTIVE;
    return { status: 200, headers: {}, body: described(claims) };
  });
}

/** RFC 7662 section 2.2: its own members, beside all claims of the token. */
function described(claims: JsonObject): object {
  const { preferred_username: username, cnf } = claims;
  const bound = typeof cnf === 'object' && cnf !== null && 'jkt' in cnf;
  return {
    ...claims,
    active: true,
    client_id: clientOfToken(claims),
    username,
    token_type: bound ? 'DPoP' : 'Bearer',
  };
}

function audiencesOf({ aud }: JsonObject): readonly unknown[] {
  return Array.isArray(aud) ? aud : [aud];
}

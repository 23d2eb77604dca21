/**
 * Who asks for a token (RFC 6749 section 2.3): client_secret_basic, client_secret_post, tls_client_auth
 * (RFC 8705 section 2.1), or a public client that only names itself. Fails closed, with one answer for every cause.
 */

import { OAuthError } from './oauth-error.ts';
import { type PeerCertificate, provesSubject } from './peer-certificate.ts';
import type { Client, Realm } from './realm.ts';
import { type SecretDigest, secretMatches } from './secret-digest.ts';
import { decodeFormComponent, type TokenForm } from './token-form.ts';

export interface ClientCredentials {
  /** What the caller claims to be; nothing is proven yet. */
  readonly clientId: string;
  readonly secret: string | undefined;
}

export interface AuthenticationContext {
  readonly realm: Realm;
  /** What the TLS handshake showed; headers that speak of a certificate are never read. */
  readonly peer: PeerCertificate | undefined;
  readonly digest: SecretDigest;
  readonly nowMs: number;
}

/** As Keycloak stores them; what is longer would only fill the memory of the failure limit. */
const MAX_CLIENT_ID_CHARACTERS = 255;

/** @throws OAuthError `invalid_request` for more than one method, `invalid_client` for credentials that cannot be read. */
export function readCredentials(authorization: readonly string[], form: TokenForm): ClientCredentials {
  const credentials = presentedCredentials(authorization, form);
  if (credentials.clientId.length > MAX_CLIENT_ID_CHARACTERS) throw invalidClient('the client id is too long');
  return credentials;
}

/** @throws OAuthError `invalid_client`; the caller cannot tell an unknown client from a wrong secret. */
export function authenticateClient(credentials: ClientCredentials, context: AuthenticationContext): Client {
  const client = context.realm.clients.get(credentials.clientId);
  const authentication = client?.authentication;
  const expected = authentication?.method === 'secret' ? authentication.digest : undefined;
  const secretFits = secretMatches(credentials.secret ?? '', expected, context.digest);
  if (client === undefined || authentication === undefined) throw invalidClient('unknown client');
  switch (authentication.method) {
    case 'secret':
      if (!secretFits) throw invalidClient('wrong client secret');
      break;
    case 'certificate':
      if (credentials.secret !== undefined) throw invalidClient('this client has no secret');
      if (!provesSubject(context.peer, authentication.subject, context.nowMs)) {
        throw invalidClient('no verified certificate for this client');
      }
      break;
    case 'none':
      if (credentials.secret !== undefined) throw invalidClient('this client has no secret');
  }
  return client;
}

function presentedCredentials(authorization: readonly string[], form: TokenForm): ClientCredentials {
  if (form.has('client_assertion') || form.has('client_assertion_type')) {
    throw invalidClient('client assertions are not accepted here');
  }
  const clientId = form.get('client_id');
  const secret = form.get('client_secret');
  const [header] = authorization;
  if (header === undefined) {
    if (clientId === undefined) throw invalidClient('no client credentials');
    return { clientId, secret };
  }
  if (authorization.length > 1) throw new OAuthError('invalid_request', 'Authorization is repeated');
  if (secret !== undefined) throw new OAuthError('invalid_request', 'the client authenticates in more than one way');
  const basic = readBasic(header);
  if (clientId !== undefined && clientId !== basic.clientId) {
    throw new OAuthError('invalid_request', 'client_id differs from the client in Authorization');
  }
  return basic;
}

function readBasic(header: string): ClientCredentials {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header) ?? [];
  if (encoded === undefined) throw invalidClient('Authorization is not HTTP Basic');
  const pair = Buffer.from(encoded, 'base64').toString('latin1');
  const colon = pair.indexOf(':');
  const clientId = decodeFormComponent(pair.slice(0, Math.max(colon, 0)));
  const secret = decodeFormComponent(pair.slice(colon + 1));
  if (!clientId || !secret) throw invalidClient('the Basic credentials cannot be read');
  return { clientId, secret };
}

/** RFC 9110 section 15.5.2: every 401 names a scheme, also where the client did not use it. */
function invalidClient(detail: string): OAuthError {
  return new OAuthError('invalid_client', 'client authentication failed', {
    detail,
    headers: { 'www-authenticate': 'Basic realm="token", charset="UTF-8"' },
  });
}

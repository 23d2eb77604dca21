/**
 * What a caller shows to prove which client it is, read and not yet believed: HTTP Basic, a secret in the body
 * (RFC 6749 section 2.3.1), an assertion (RFC 7521 section 4.2), or only its name. One way at a time.
 */
import { Problem, readJwt, type UnverifiedJwt } from '@sidegate/sdk';
import { invalidClient, OAuthError } from './oauth-error.ts';
import { decodeFormComponent, type TokenForm } from './token-form.ts';

export interface ClientCredentials {
  /** What the caller claims to be; nothing is proven yet. */
  readonly clientId: string;
  readonly secret?: string | undefined;
  readonly assertion?: ClientAssertion | undefined;
}

export interface ClientAssertion {
  /** A JWT that the client signed, or one that its SPIFFE trust domain did. */
  readonly kind: 'jwt-bearer' | 'jwt-spiffe';
  readonly jwt: UnverifiedJwt;
}

/** As Keycloak stores them; what is longer would only fill the memory of the failure limit. */
const MAX_CLIENT_ID_CHARACTERS = 255;

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:';
/** Media types of each kind: RFC 7523 names none, its revision `client-authentication+jwt`, JWT-SVID section 2 two. */
const ASSERTION_TYPES = {
  'jwt-bearer': ['', 'jwt', 'client-authentication+jwt'],
  'jwt-spiffe': ['', 'jwt', 'jose'],
} as const;

/** @throws OAuthError `invalid_request` for more than one method, `invalid_client` for credentials that cannot be read. */
export function readCredentials(authorization: readonly string[], form: TokenForm): ClientCredentials {
  const credentials =
    form.has('client_assertion') || form.has('client_assertion_type')
      ? readAssertion(authorization, form)
      : readSecret(authorization, form);
  if (credentials.clientId.length > MAX_CLIENT_ID_CHARACTERS) throw invalidClient('the client id is too long');
  return credentials;
}

function readAssertion(authorization: readonly string[], form: TokenForm): ClientCredentials {
  if (authorization.length > 0 || form.has('client_secret')) {
    throw invalidClient('an assertion stands beside another way to authenticate');
  }
  const type = form.get('client_assertion_type') ?? '';
  const kind = type.startsWith(ASSERTION_TYPE) ? type.slice(ASSERTION_TYPE.length) : '';
  if (kind !== 'jwt-bearer' && kind !== 'jwt-spiffe') throw invalidClient('the type of the assertion is unknown');
  const jwt = parse(form.get('client_assertion') ?? '', kind);
  const { sub } = jwt.claims;
  // RFC 7521 section 4.2: client_id may be left out, and then the subject says who it is
  const clientId = form.get('client_id') ?? (typeof sub === 'string' ? sub : undefined);
  if (!clientId) throw invalidClient('neither client_id nor the subject of the assertion name a client');
  return { clientId, assertion: { kind, jwt } };
}

function parse(assertion: string, kind: ClientAssertion['kind']): UnverifiedJwt {
  try {
    return readJwt(assertion, ASSERTION_TYPES[kind]);
  } catch (error) {
    if (error instanceof Problem) throw invalidClient(`the assertion is refused: ${error.message}`);
    throw error;
  }
}

function readSecret(authorization: readonly string[], form: TokenForm): ClientCredentials {
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

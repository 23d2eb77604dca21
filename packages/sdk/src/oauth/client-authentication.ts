/** How a client authenticates at the token endpoint, in exactly one way (RFC 6749 section 2.3, RFC 7523, RFC 8705). */
import { type AssertionOptions, signClientAssertion } from './client-assertion.ts';

/** Asked for at each request, so that no plain secret lies in an options object. */
interface Hidden {
  reveal(): string;
}

export type ClientAuthentication =
  | { readonly method: 'client_secret_post' | 'client_secret_basic'; readonly secret: Hidden }
  | ({ readonly method: 'private_key_jwt' } & AssertionOptions)
  /** The certificate of the connection speaks, RFC 8705 section 2: there is no secret. */
  | { readonly method: 'tls_client_auth' }
  /** A JWT-SVID for the issuer as its audience, asked for at each request (draft-ietf-oauth-spiffe-client-auth). */
  | { readonly method: 'spiffe_jwt'; readonly assertion: () => Hidden | Promise<Hidden> };

export interface AuthenticatedClient {
  readonly headers: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, string>>;
  /** Every spelling in which an endpoint could echo what is secret in this. */
  readonly secrets: readonly string[];
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:';

/** @param now milliseconds since the epoch */
export async function authenticateClient(
  clientId: string,
  authentication: ClientAuthentication,
  now: number,
): Promise<AuthenticatedClient> {
  switch (authentication.method) {
    case 'client_secret_basic': {
      const secret = authentication.secret.reveal();
      const headers = { authorization: `Basic ${basicCredentials(clientId, secret)}` };
      return { headers, parameters: {}, secrets: spellings(clientId, secret) };
    }
    case 'client_secret_post': {
      const secret = authentication.secret.reveal();
      const parameters = { client_id: clientId, client_secret: secret };
      return { headers: {}, parameters, secrets: spellings(clientId, secret) };
    }
    case 'private_key_jwt':
      return asserted(clientId, 'jwt-bearer', signClientAssertion(clientId, authentication, now));
    case 'spiffe_jwt':
      return asserted(clientId, 'jwt-spiffe', (await authentication.assertion()).reveal());
    default:
      return { headers: {}, parameters: { client_id: clientId }, secrets: [] };
  }
}

function asserted(clientId: string, kind: 'jwt-bearer' | 'jwt-spiffe', assertion: string): AuthenticatedClient {
  const parameters = {
    client_id: clientId,
    client_assertion_type: `${ASSERTION_TYPE}${kind}`,
    client_assertion: assertion,
  };
  return { headers: {}, parameters, secrets: assertion.split('.') };
}

function spellings(clientId: string, secret: string): readonly string[] {
  return [secret, formEncode(secret), encodeURIComponent(secret), basicCredentials(clientId, secret)];
}

/** RFC 6749 section 2.3.1: both parts are form-encoded before they are joined, so a colon cannot move. */
function basicCredentials(clientId: string, secret: string): string {
  return Buffer.from(`${formEncode(clientId)}:${formEncode(secret)}`).toString('base64');
}

const formEncode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);

/**
 * Which client asks: each has exactly one method, and what proves another one proves nothing. Fails closed, with one
 * answer for every cause.
 */
import { type Clock, Problem, type ReplayStore } from '@sidegate/sdk';
import { verifyClientAssertion, verifyJwtSvid } from './client-assertion.ts';
import type { ClientSecrets } from './client-secrets.ts';
import { invalidClient } from './oauth-error.ts';
import { isOfZone, type PeerCertificate, provesKey, provesSpiffeId, provesSubject } from './peer-certificate.ts';
import type { ClientCredentials } from './presented-credentials.ts';
import { type Client, type ClientAuthentication, findClient, type Realm } from './realm.ts';
import { type SecretDigest, secretMatches } from './secret-digest.ts';

export interface AuthenticationContext {
  readonly realm: Realm;
  /** What the TLS handshake showed; headers that speak of a certificate are never read. */
  readonly peer: PeerCertificate | undefined;
  readonly digest: SecretDigest;
  readonly secrets: ClientSecrets | undefined;
  readonly replay: ReplayStore;
  readonly clock: Pick<Clock, 'now'>;
}

/** Why the credentials do not prove the client, for the log; undefined when they do. */
type Proof<Method> = (
  authentication: Method,
  credentials: ClientCredentials,
  context: AuthenticationContext & { readonly client: Client },
) => string | undefined | Promise<string | undefined>;

type Proofs = {
  readonly [Method in ClientAuthentication['method']]: Proof<Extract<ClientAuthentication, { method: Method }>>;
};

const OTHER_ZONE = 'the certificate is not of the zone that this client is bound to';

const PROOFS: Proofs = {
  none: () => undefined,
  // compared before the client was looked up
  client_secret: (_, { secret }) => (secret === undefined ? 'no client secret' : undefined),
  private_key_jwt: async ({ keys, algorithms }, { assertion }, { realm, client, replay, clock }) => {
    if (assertion?.kind !== 'jwt-bearer') return 'no assertion of this client';
    const expected = { clientId: client.id, issuer: realm.issuer, keys, algorithms };
    return await verifyClientAssertion(assertion.jwt, expected, { replay, nowMs: clock.now() });
  },
  tls_client_auth: ({ subject, zone }, _, { peer, clock }) => {
    if (!provesSubject(peer, subject, clock.now())) return 'no verified certificate for this client';
    return isOfZone(peer, zone) ? undefined : OTHER_ZONE;
  },
  self_signed_tls_client_auth: async ({ keys }, _, { peer, clock }) =>
    (await provesKey(peer, keys, clock.now())) ? undefined : 'no certificate with a key of this client',
  spiffe_x509: ({ spiffeId, zone }, _, { peer, clock }) => {
    if (!provesSpiffeId(peer, spiffeId, clock.now())) return 'no X.509-SVID of this client';
    return isOfZone(peer, zone) ? undefined : OTHER_ZONE;
  },
  spiffe_jwt: async ({ keys, spiffeId }, { assertion }, { realm, clock }) => {
    if (assertion?.kind !== 'jwt-spiffe') return 'no JWT-SVID of this client';
    return await verifyJwtSvid(assertion.jwt, { spiffeId, issuer: realm.issuer, keys }, clock.now());
  },
};

/** @throws OAuthError `invalid_client`; the caller cannot tell an unknown client from a wrong secret. */
export async function authenticateClient(
  credentials: ClientCredentials,
  context: AuthenticationContext,
): Promise<Client> {
  const client = findClient(context.realm, credentials.clientId);
  const secretFits = await anySecretMatches(client, credentials, context);
  if (client === undefined) throw invalidClient('unknown client');
  const { authentication } = client;
  if (credentials.secret !== undefined) {
    if (authentication.method !== 'client_secret') throw invalidClient('this client has no secret');
    if (!secretFits) throw invalidClient('wrong client secret');
  }
  if (credentials.assertion !== undefined && !takesAssertions(authentication)) {
    throw invalidClient('this client has no key for assertions');
  }
  const reason = await refusal(authentication, credentials, { ...context, client });
  if (reason !== undefined) throw invalidClient(reason);
  return client;
}

/** What does not match costs the same for a client that is unknown, or has no secret. */
async function anySecretMatches(
  client: Client | undefined,
  { clientId, secret = '' }: ClientCredentials,
  { realm, digest, secrets }: AuthenticationContext,
): Promise<boolean> {
  const expected = client?.authentication.method === 'client_secret' ? client.authentication.digest : undefined;
  if (secretMatches(secret, expected, digest)) return true;
  return (await secrets?.matches(realm.name, clientId, secret)) === true;
}

function takesAssertions({ method }: ClientAuthentication): boolean {
  return method === 'private_key_jwt' || method === 'spiffe_jwt';
}

async function refusal(
  authentication: ClientAuthentication,
  credentials: ClientCredentials,
  context: AuthenticationContext & { readonly client: Client },
): Promise<string | undefined> {
  const prove = PROOFS[authentication.method] as Proof<ClientAuthentication>;
  try {
    return await prove(authentication, credentials, context);
  } catch (error) {
    if (error instanceof Problem && error.row.status < 500) return error.message;
    throw error;
  }
}

/** Tokens that a client brings to be exchanged: signed by an issuer that the realm trusts, valid now, and for this client. */

import {
  type Clock,
  checkDates,
  createTokenVerifier,
  type JsonObject,
  Problem,
  type Revocations,
  readJwt,
  type VerifiedToken,
  verifyJwt,
} from '@sidegate/sdk';
import { OAuthError } from './oauth-error.ts';
import { revocableToken } from './own-token.ts';
import { type Client, federatedName, type Realm, type Subject, spiffeIdOf, type TokenIssuer } from './realm.ts';
import { TRANSACTION_TOKEN_TYPE } from './transaction-token.ts';

interface Receiver {
  readonly realm: Realm;
  readonly client: Client;
  readonly clock: Clock;
  /** What a realm of this process has revoked, by its issuer. */
  readonly revocationsOf: (issuer: string) => Revocations | undefined;
}

const CLOCK_SKEW_SECONDS = 5;
/** Other issuers have their own ideas; what comes of it lives as our clients' tokens do. */
const MAX_LIFETIME_SECONDS = 86_400;

/**
 * An access token whose audience is the client: what was sent to others is not its to exchange.
 *
 * @throws OAuthError `invalid_request` (RFC 8693 section 2.2.2), with the cause for the log
 * @throws Problem `jwks_unavailable`, as a rejection
 */
export async function verifyReceivedToken(token: string, receiver: Receiver): Promise<VerifiedToken> {
  const { realm, client, clock } = receiver;
  const spiffeId = spiffeIdOf(client);
  const audiences = [client.id, ...(spiffeId === undefined ? [] : [spiffeId])];
  const issuers = [...realm.tokenIssuers.values()].filter(({ exchanged }) => exchanged);
  const verifier = createTokenVerifier({
    issuers: issuers.map(({ alias, issuer, keys }) => ({ name: alias, issuer, audiences, keys })),
    clock,
    clockSkewSeconds: CLOCK_SKEW_SECONDS,
    maxLifetimeSeconds: MAX_LIFETIME_SECONDS,
  });
  return await refusedAsRequest(async () => {
    const received = await verifier.verify(token);
    requireUnrevoked(received.claims, received.issuer, receiver);
    return received;
  });
}

/** A transaction token of this realm, which everybody in its trust domain receives. */
export async function verifyTransactionToken(token: string, receiver: Receiver): Promise<JsonObject> {
  const { realm, clock } = receiver;
  return await refusedAsRequest(async () => {
    const jwt = readJwt(token, [TRANSACTION_TOKEN_TYPE]);
    const own = realm.tokenIssuers.get(realm.issuer);
    if (own === undefined || jwt.claims['iss'] !== realm.issuer) throw new Problem('token_issuer_mismatch', 'not ours');
    await verifyJwt(jwt, { keys: own.keys, owner: 'this realm' });
    checkDates(jwt.claims, { clockSkewSeconds: 0, maxLifetimeSeconds: MAX_LIFETIME_SECONDS }, clock.now() / 1000);
    if (jwt.claims['aud'] !== realm.trustDomain) throw new Problem('token_aud_mismatch', 'for another trust domain');
    requireUnrevoked(jwt.claims, realm.issuer, receiver);
    return jwt.claims;
  });
}

/**
 * Whom a received token is about, as this realm calls them. Roles that another realm gave mean nothing here.
 *
 * @throws OAuthError `invalid_request` when another issuer's name would pass for a subject of this realm
 */
export function subjectOf({ issuer, subject, claims }: VerifiedToken, realm: Realm): Subject {
  const { alias } = realm.tokenIssuers.get(issuer) as TokenIssuer;
  const federated = realm.federatedUsers.get(federatedName(alias, subject));
  if (federated !== undefined) return federated;
  if (issuer !== realm.issuer && realm.subjectIds.has(subject)) {
    throw new OAuthError('invalid_request', 'the subject of the token has the name of another one here');
  }
  return {
    id: subject,
    username: textOf(claims['preferred_username']),
    email: textOf(claims['email']),
    name: textOf(claims['name']),
    ...(issuer === realm.issuer ? rolesOf(claims) : { realmRoles: [], clientRoles: {} }),
  };
}

function requireUnrevoked(claims: JsonObject, issuer: string, { revocationsOf }: Receiver): void {
  if (revocationsOf(issuer)?.ofToken(revocableToken(claims)) === undefined) return;
  throw new Problem('token_revoked', 'the token, its client or its subject was revoked');
}

async function refusedAsRequest<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify();
  } catch (error) {
    if (!(error instanceof Problem) || error.row.status >= 500) throw error;
    throw new OAuthError('invalid_request', 'a token of the request is not accepted', { detail: error.message });
  }
}

function rolesOf(claims: JsonObject): Pick<Subject, 'realmRoles' | 'clientRoles'> {
  const clientRoles = Object.entries(objectOf(claims['resource_access']));
  return {
    realmRoles: textsOf(objectOf(claims['realm_access'])['roles']),
    clientRoles: Object.fromEntries(
      clientRoles.map(([client, access]) => [client, textsOf(objectOf(access)['roles'])]),
    ),
  };
}

function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((text) => typeof text === 'string') : [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

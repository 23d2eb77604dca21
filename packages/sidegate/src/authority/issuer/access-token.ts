/** What a token says: JWT access tokens (RFC 9068) with the claims that Keycloak's tokens carry, and transaction tokens. */
import type { Confirmation } from '@sidegate/sdk';
import type { ActorClaim } from './actor.ts';
import type { Client, Realm, Subject } from './realm.ts';
import type { SigningKey } from './signing-key.ts';
import { TRANSACTION_TOKEN_TYPE, type Transaction, transactionClaims } from './transaction-token.ts';

/** Everything that was decided about a token before it is written. */
export interface TokenGrant {
  readonly realm: Realm;
  readonly client: Client;
  readonly subject: Subject;
  readonly actor: ActorClaim | undefined;
  readonly audience: readonly string[];
  readonly scope: readonly string[];
  /** At least one second. */
  readonly lifetimeSeconds: number;
  /** Who alone may use it; absent: whoever has it. */
  readonly confirmation: Confirmation | undefined;
  /** A token of this transaction, not an access token. */
  readonly transaction: Transaction | undefined;
}

export interface Issuance {
  readonly key: SigningKey;
  readonly jti: string;
  readonly nowMs: number;
}

/** Claims with the value `undefined` do not appear in the token. */
export function signedToken(grant: TokenGrant, { key, jti, nowMs }: Issuance): Promise<string> {
  const typ = grant.transaction === undefined ? 'at+jwt' : TRANSACTION_TOKEN_TYPE;
  const issuedAt = Math.floor(nowMs / 1000);
  return key.signJwt(typ, { ...commonClaims(grant, jti, issuedAt), ...kindClaims(grant) });
}

function commonClaims(grant: TokenGrant, jti: string, iat: number): Record<string, unknown> {
  const { realm, subject, audience, scope, lifetimeSeconds } = grant;
  return {
    iss: realm.issuer,
    sub: subject.id,
    aud: audience.length === 1 ? audience[0] : audience,
    exp: iat + lifetimeSeconds,
    iat,
    jti,
    scope: scope.length === 0 ? undefined : scope.join(' '),
  };
}

function kindClaims({ realm, transaction, client, subject, actor, confirmation }: TokenGrant): Record<string, unknown> {
  if (transaction !== undefined) return transactionClaims(transaction);
  return {
    azp: client.id,
    client_id: client.id,
    client: realm.jsonTokenEndpoint && subject === client.serviceAccount ? true : undefined,
    ...(client.fullScope ? roleClaims(subject) : {}),
    preferred_username: subject.username,
    email: subject.email,
    name: subject.name,
    act: actor,
    cnf: confirmation,
  };
}

function roleClaims({ realmRoles, clientRoles }: Subject): Record<string, unknown> {
  const clients = Object.entries(clientRoles).filter(([, roles]) => roles.length > 0);
  return {
    realm_access: realmRoles.length === 0 ? undefined : { roles: realmRoles },
    resource_access:
      clients.length === 0 ? undefined : Object.fromEntries(clients.map(([client, roles]) => [client, { roles }])),
  };
}

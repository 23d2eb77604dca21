/** JWT access tokens (RFC 9068) with the claims that Keycloak's tokens carry. */
import type { Client, Realm, Subject } from './realm.ts';
import type { SigningKey } from './signing-key.ts';

/** Everything that was decided about a token before it is written. */
export interface AccessGrant {
  readonly realm: Realm;
  readonly client: Client;
  readonly subject: Subject;
  readonly audience: readonly string[];
  readonly scope: readonly string[];
  /** SHA-256 thumbprint of the certificate that must accompany the token (RFC 8705 section 3.1). */
  readonly certificateThumbprint: string | undefined;
}

export interface Issuance {
  readonly key: SigningKey;
  readonly jti: string;
  readonly nowMs: number;
}

/** Claims with the value `undefined` do not appear in the token. */
export async function accessToken(grant: AccessGrant, { key, jti, nowMs }: Issuance): Promise<string> {
  const header = { alg: key.algorithm, typ: 'at+jwt', kid: key.kid };
  const input = `${encode(header)}.${encode(claims(grant, jti, Math.floor(nowMs / 1000)))}`;
  return `${input}.${await key.sign(input)}`;
}

function claims(grant: AccessGrant, jti: string, iat: number): Record<string, unknown> {
  const { realm, client, subject, audience, scope, certificateThumbprint } = grant;
  return {
    iss: realm.issuer,
    sub: subject.id,
    aud: audience.length === 1 ? audience[0] : audience,
    exp: iat + realm.tokenLifetimeSeconds,
    iat,
    jti,
    azp: client.id,
    client_id: client.id,
    scope: scope.length === 0 ? undefined : scope.join(' '),
    ...(client.fullScope ? roleClaims(subject) : {}),
    preferred_username: subject.username,
    email: subject.email,
    name: subject.name,
    cnf: certificateThumbprint === undefined ? undefined : { 'x5t#S256': certificateThumbprint },
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

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

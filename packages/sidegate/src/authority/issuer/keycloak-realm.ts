/**
 * The part of Keycloak's realm export that decides what a token looks like. The names are Keycloak's, so that one
 * file serves both; what a realm file holds beyond this does not reach the issuer.
 */

export interface KeycloakRealm {
  readonly realm: string;
  readonly enabled?: boolean | undefined;
  /** Seconds. */
  readonly accessTokenLifespan?: number | undefined;
  readonly attributes?: Attributes | undefined;
  readonly roles?: KeycloakRoles | undefined;
  readonly clientScopes?: readonly KeycloakClientScope[] | undefined;
  readonly clients?: readonly KeycloakClient[] | undefined;
  readonly users?: readonly KeycloakUser[] | undefined;
  readonly identityProviders?: readonly KeycloakIdentityProvider[] | undefined;
}

/** Another issuer whose tokens and assertions the realm takes. */
export interface KeycloakIdentityProvider {
  readonly alias: string;
  readonly enabled?: boolean | undefined;
  readonly config?: Attributes | undefined;
}

interface KeycloakRoles {
  readonly realm?: readonly KeycloakRole[] | undefined;
  readonly client?: Readonly<Record<string, readonly KeycloakRole[]>> | undefined;
}

interface KeycloakRole {
  readonly name: string;
}

export interface KeycloakProtocolMapper {
  readonly name: string;
  readonly protocolMapper: string;
  readonly config?: Attributes | undefined;
}

export interface KeycloakClientScope {
  readonly name: string;
  readonly attributes?: Attributes | undefined;
  readonly protocolMappers?: readonly KeycloakProtocolMapper[] | undefined;
}

export interface KeycloakClient {
  readonly clientId: string;
  readonly enabled?: boolean | undefined;
  readonly bearerOnly?: boolean | undefined;
  readonly publicClient?: boolean | undefined;
  readonly serviceAccountsEnabled?: boolean | undefined;
  readonly directAccessGrantsEnabled?: boolean | undefined;
  readonly fullScopeAllowed?: boolean | undefined;
  readonly clientAuthenticatorType?: string | undefined;
  readonly secret?: string | undefined;
  readonly attributes?: Attributes | undefined;
  readonly protocolMappers?: readonly KeycloakProtocolMapper[] | undefined;
  readonly defaultClientScopes?: readonly string[] | undefined;
  readonly optionalClientScopes?: readonly string[] | undefined;
}

export interface KeycloakUser {
  readonly id?: string | undefined;
  readonly username: string;
  readonly enabled?: boolean | undefined;
  readonly email?: string | undefined;
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
  /** Set on the account that a client acts as when no user is involved. */
  readonly serviceAccountClientId?: string | undefined;
  readonly credentials?: readonly KeycloakCredential[] | undefined;
  readonly realmRoles?: readonly string[] | undefined;
  readonly clientRoles?: Readonly<Record<string, readonly string[]>> | undefined;
  /** What other issuers call this user. */
  readonly federatedIdentities?: readonly KeycloakFederatedIdentity[] | undefined;
}

interface KeycloakFederatedIdentity {
  readonly identityProvider: string;
  /** The `sub` there. */
  readonly userId: string;
}

interface KeycloakCredential {
  readonly type: string;
  readonly value?: string | undefined;
}

type Attributes = Readonly<Record<string, string>>;

/** A realm as the endpoints use it: every reference resolved, every secret a digest, nothing left to check. */
import type { AlgorithmName, DistinguishedName, JwksSource } from '@sidegate/sdk';
import type { SignatureAlgorithm } from './signing-key.ts';

export interface Realm {
  readonly name: string;
  /** The `iss` of its tokens and the base of its endpoints. */
  readonly issuer: string;
  /** Users may trade their password for a token here; never outside a lab. */
  readonly lab: boolean;
  /** Old clients: requests may be JSON, answers say `bearer`, a client is its own `sub` and says that it is one. */
  readonly jsonTokenEndpoint: boolean;
  /** Of the tokens of any of its clients. */
  readonly longestLifetimeSeconds: number;
  /** Enabled clients by client id. */
  readonly clients: ReadonlyMap<string, Client>;
  /** Those, and services that only ask about tokens, by client id. */
  readonly introspectors: ReadonlyMap<string, Client>;
  /** Those that have a SPIFFE ID, by it. */
  readonly workloads: ReadonlyMap<string, Client>;
  /** Enabled users by user name; service accounts are not among them. */
  readonly users: ReadonlyMap<string, User>;
  /** The `sub` of every user and service account, enabled or not: no token from elsewhere may take one. */
  readonly subjectIds: ReadonlySet<string>;
  /** Whose tokens or assertions count here, this realm among them, by their `iss`. */
  readonly tokenIssuers: ReadonlyMap<string, TokenIssuer>;
  /** Users by what other issuers call them, with {@link federatedName}. */
  readonly federatedUsers: ReadonlyMap<string, User>;
  /** The `aud` of transaction tokens; absent: there are none. */
  readonly trustDomain: string | undefined;
}

export interface TokenIssuer {
  /** How the realm file calls it. */
  readonly alias: string;
  readonly issuer: string;
  readonly keys: JwksSource;
  /** Its access tokens are exchanged here. */
  readonly exchanged: boolean;
  /** Its assertions are grants here. */
  readonly asserts: boolean;
}

/** @param subject the `sub` in that issuer's tokens */
export function federatedName(alias: string, subject: string): string {
  return JSON.stringify([alias, subject]);
}

export interface Client {
  readonly id: string;
  readonly authentication: ClientAuthentication;
  /** Whom the client acts as by itself; absent: it may not use client_credentials. */
  readonly serviceAccount: Subject | undefined;
  readonly directAccess: boolean;
  /** It may trade tokens that others sent it (RFC 8693). */
  readonly tokenExchange: boolean;
  /** It may trade assertions of other issuers (RFC 7523 section 2.1). */
  readonly jwtBearer: boolean;
  /** It may begin transactions, and replace the tokens of those that it takes part in. */
  readonly transactions: boolean;
  /** Its tokens are bound to the certificate it shows, however it authenticates (RFC 8705 section 3). */
  readonly certificateBound: boolean;
  /** It gets no token without a DPoP proof (RFC 9449 section 5.2). */
  readonly dpopBound: boolean;
  readonly tokenLifetimeSeconds: number;
  readonly algorithm: SignatureAlgorithm;
  /** Audiences of every token of this client. */
  readonly audiences: readonly string[];
  /** What it may call otherwise, a service or one operation of it: each in a token of its own, and only when it is named. */
  readonly targets: ReadonlySet<string>;
  readonly defaultScopes: readonly Scope[];
  readonly optionalScopes: readonly Scope[];
  /** Roles reach the token; Keycloak's scope mappings are not evaluated, so without it none does. */
  readonly fullScope: boolean;
}

/** By the names of RFC 8414 section 2 and draft-ietf-oauth-spiffe-client-auth; `client_secret` is both of its methods. */
export type ClientAuthentication =
  | { readonly method: 'none' }
  /** Absent: only the store of secrets knows one. */
  | { readonly method: 'client_secret'; readonly digest: Buffer | undefined }
  | { readonly method: 'private_key_jwt'; readonly keys: JwksSource; readonly algorithms: readonly AlgorithmName[] }
  /** Where a zone is named, only certificates that our own authority issued in it. */
  | { readonly method: 'tls_client_auth'; readonly subject: DistinguishedName; readonly zone: string | undefined }
  /** Keys of the client's certificates. */
  | { readonly method: 'self_signed_tls_client_auth'; readonly keys: JwksSource }
  | { readonly method: 'spiffe_x509'; readonly spiffeId: string; readonly zone: string | undefined }
  /** Keys of its trust domain's bundle. */
  | { readonly method: 'spiffe_jwt'; readonly spiffeId: string; readonly keys: JwksSource };

export interface Scope {
  readonly name: string;
  /** A scope may shape tokens without being named in their `scope` claim. */
  readonly named: boolean;
  readonly audiences: readonly string[];
}

export interface Subject {
  readonly id: string;
  readonly username: string | undefined;
  readonly email: string | undefined;
  readonly name: string | undefined;
  readonly realmRoles: readonly string[];
  readonly clientRoles: Readonly<Record<string, readonly string[]>>;
}

export interface User extends Subject {
  /** Absent: the user cannot log in with a password. */
  readonly passwordDigest: Buffer | undefined;
}

/** @param name a client id, or the SPIFFE ID of a client */
export function findClient({ clients, workloads }: Realm, name: string): Client | undefined {
  return clients.get(name) ?? workloads.get(name);
}

export function spiffeIdOf({ authentication }: Client): string | undefined {
  return 'spiffeId' in authentication ? authentication.spiffeId : undefined;
}

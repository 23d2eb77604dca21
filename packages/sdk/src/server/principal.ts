/** Who a request comes from and on whose behalf: what a verifier found, and what handlers, policies and audit see. No credential is in it. */
import type { JsonObject } from '../jwt/strict-json.ts';
import type { ClientBinding } from '../x509/identities.ts';
import type { PrincipalLimits } from './limits.ts';

/** How the caller proved who it is. */
export type ProofKind = 'mtls' | 'bearer' | 'dpop' | 'service_jwt' | 'shared_secret' | 'signature';

export interface ServicePrincipal {
  /** As policies and audit call it, such as `order-service`. */
  readonly name: string;
  /** From the certificate or the JWT-SVID. */
  readonly spiffeId: string | undefined;
}

/** The certificate that the caller showed, to us or to a proxy that we trust. */
export interface ShownCertificate {
  readonly spiffeId: string | undefined;
  /** Attribute short names (`CN`, `O`) of its subject; one that occurs twice is left out. */
  readonly subject: Readonly<Record<string, string>>;
  /** The client that it stands for, and whose tokens it may pass on; undefined: no table names it. */
  readonly binding: ClientBinding | undefined;
}

export interface UserPrincipal {
  readonly id: string;
  readonly roles: readonly string[];
}

export interface Principal {
  /** All proofs that were given and hold; never empty. */
  readonly proofs: readonly ProofKind[];
  /** The calling service; undefined: a user calls with no service in between. */
  readonly service: ServicePrincipal | undefined;
  /** On whose behalf; undefined: the service acts for itself. */
  readonly user: UserPrincipal | undefined;
  readonly scopes: readonly string[];
  /** What the claims map to; `system` stands for a service. */
  readonly roles: readonly string[];
  /** The verified claims of the token; undefined: there was none. */
  readonly claims: JsonObject | undefined;
  /** Undefined or absent: its token is limited to no tenants and no operations. */
  readonly limits?: PrincipalLimits | undefined;
  /** Undefined or absent: none was shown. */
  readonly certificate?: ShownCertificate | undefined;
}

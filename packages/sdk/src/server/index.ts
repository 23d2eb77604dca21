/** `@sidegate/sdk/server`: who calls, on whose behalf, and whether they may; for every framework. */

export { type Identity, identityFromPem, identityFromWorkloadApi, type PemIdentity } from '../identity/identity.ts';
export { type IdentityFiles, identityFromFiles } from '../identity/identity-files.ts';
export type { AccessRecord } from './access-record.ts';
export type { Answer, ErrorFormat } from './answer.ts';
export type { Authenticator } from './authenticator.ts';
export { type BearerOptions, bearer } from './bearer.ts';
export type { CallerGrants } from './calling-service.ts';
export { allOf, anyOf } from './combined.ts';
export { type CertificateSource, connectionCertificates, type FoundCertificate } from './connection-certificate.ts';
export { type DetailError, detailError } from './detail-error.ts';
export type { DpopOptions } from './dpop.ts';
export {
  type FollowedRevocations,
  type FollowRevocationsOptions,
  followRevocations,
  type RevocationSource,
} from './follow-revocations.ts';
export { type ForwardedClientCert, parseForwardedClientCert } from './forwarded-client-cert.ts';
export type { Guards } from './guards.ts';
export {
  type HttpSignatureAuthenticatorOptions,
  httpSignatureAuthenticator,
  type SigningCaller,
} from './http-signature.ts';
export {
  type Command,
  type CommandRun,
  createIdempotency,
  type IdempotencyOptions,
  type IdempotencyStore,
  type KeyState,
  type Once,
} from './idempotency.ts';
export type { IssuerWithKeys } from './issuer-keys.ts';
export {
  type LegacyCaller,
  type LegacyXSignatureAuthenticatorOptions,
  legacyXSignatureAuthenticator,
} from './legacy-x-signature.ts';
export { type MemoryIdempotencyOptions, memoryIdempotencyStore } from './memory-idempotency-store.ts';
export { type MutualTlsOptions, mutualTls } from './mutual-tls.ts';
export { type MutualTlsServer, type MutualTlsServerOptions, mutualTlsServer } from './mutual-tls-server.ts';
export type { PolicyInput, PolicyOptions } from './policy.ts';
export type { Principal, ProofKind, ServicePrincipal, ShownCertificate, UserPrincipal } from './principal.ts';
export { type ProxiedCertificateOptions, proxiedCertificates } from './proxied-certificate.ts';
export type { ReceivedRequest } from './received-request.ts';
export { type RedisIdempotencyOptions, redisIdempotencyStore } from './redis-idempotency-store.ts';
export { type RolesMapper, rolesByScope, SYSTEM_ROLE } from './roles.ts';
export type { OwnerOf, Route, RouteRule } from './route-rule.ts';
export {
  type Admission,
  type RouteGuard,
  type ServiceAuth,
  type ServiceAuthOptions,
  serviceAuth,
} from './service-auth.ts';
export { type ServiceAuthCode, type ServiceAuthError, serviceAuthError } from './service-auth-error.ts';
export {
  type SecretCaller,
  type SharedSecretAuthenticatorOptions,
  sharedSecretAuthenticator,
} from './shared-secret.ts';
export {
  SQL_IDEMPOTENCY_TABLE,
  type SqlIdempotencyOptions,
  type SqlIdempotencyStore,
  sqlIdempotencyStore,
} from './sql-idempotency-store.ts';
export type { TrustedProxy } from './trusted-proxy.ts';

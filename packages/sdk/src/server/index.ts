/** `@sidegate/sdk/server`: who calls, on whose behalf, and whether they may; for every framework. */
export type { Authenticator } from './authenticator.ts';
export type { CallerGrants } from './calling-service.ts';
export { type DetailError, detailError } from './detail-error.ts';
export {
  type HttpSignatureAuthenticatorOptions,
  httpSignatureAuthenticator,
  type SigningCaller,
} from './http-signature.ts';
export {
  type LegacyCaller,
  type LegacyXSignatureAuthenticatorOptions,
  legacyXSignatureAuthenticator,
} from './legacy-x-signature.ts';
export type { Principal, ProofKind, ServicePrincipal, ShownCertificate, UserPrincipal } from './principal.ts';
export type { ReceivedRequest } from './received-request.ts';
export { type ServiceAuthCode, type ServiceAuthError, serviceAuthError } from './service-auth-error.ts';
export {
  type SecretCaller,
  type SharedSecretAuthenticatorOptions,
  sharedSecretAuthenticator,
} from './shared-secret.ts';

/** `@sidegate/sdk/server`: who calls, on whose behalf, and whether they may; for every framework. */
export type { Authenticator } from './authenticator.ts';
export type { Principal, ProofKind, ServicePrincipal, ShownCertificate, UserPrincipal } from './principal.ts';
export type { ReceivedRequest } from './received-request.ts';
export { type ServiceAuthCode, type ServiceAuthError, serviceAuthError } from './service-auth-error.ts';

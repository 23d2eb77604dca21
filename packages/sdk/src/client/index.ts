/** `@sidegate/sdk/client`: calls to other services that prove who calls. */

export { type CallContext, currentContext, runWithContext } from '../context/call-context.ts';
export { type Identity, identityFromPem, identityFromWorkloadApi, type PemIdentity } from '../identity/identity.ts';
export { type IdentityFiles, identityFromFiles } from '../identity/identity-files.ts';
export { type AnswerSchema, readAs } from './answer-schema.ts';
export { ServiceResponseError } from './call-failure.ts';
export type { Credentials, OutgoingRequest, ScopedCredentials } from './credentials.ts';
export { type HttpSignatureOptions, httpSignature } from './http-signature.ts';
export { type LegacyXSignatureOptions, legacyXSignature } from './legacy-x-signature.ts';
export { type OAuthClient, type OAuthClientOptions, oauthClient, type TokenRequest } from './oauth-client.ts';
export { type Operation, type OperationInput, type OperationOptions, operation, type Permitted } from './operation.ts';
export type { CallHeaders, CallInit } from './outgoing.ts';
export { type ServiceClient, type ServiceClientOptions, serviceClient } from './service-client.ts';
export { type SharedSecretOptions, sharedSecret } from './shared-secret.ts';
export { staticToken } from './static-token.ts';

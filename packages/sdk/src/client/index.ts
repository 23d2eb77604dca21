/** `@sidegate/sdk/client`: calls to other services that prove who calls. */
export type { Credentials, OutgoingRequest } from './credentials.ts';
export { type HttpSignatureOptions, httpSignature } from './http-signature.ts';
export { type LegacyXSignatureOptions, legacyXSignature } from './legacy-x-signature.ts';
export { type SharedSecretOptions, sharedSecret } from './shared-secret.ts';

/** `@sidegate/sdk/wimse`: workload identity and proof tokens of the IETF's WIMSE working group, which are drafts: the option `draft` says which. */
export { type WimseAuthenticatorOptions, wimseAuthenticator } from './authenticator.ts';
export { type WimseCredentialsOptions, type WimseIdentity, wimseCredentials } from './credentials.ts';
export { type DraftOption, WIMSE_DRAFT } from './draft.ts';
export { type IdentityRequest, type IdentityServer, signWorkloadIdentity } from './workload-identity.ts';

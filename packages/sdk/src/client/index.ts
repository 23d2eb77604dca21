/** `@sidegate/sdk/client`: calls to other services that prove who calls. */
export type { Credentials, OutgoingRequest } from './credentials.ts';

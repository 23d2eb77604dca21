/** `@sidegate/sdk/workload-api`: the SPIFFE Workload API. Its packages, `@grpc/grpc-js` and `@bufbuild/protobuf`, are needed by nothing else in the SDK. */
export { type WorkloadApi, type WorkloadApiOptions, workloadApi } from './client.ts';
export type { JwtBundles } from './jwt-svid.ts';
export {
  type JwtSvidMessage,
  type JwtSvidRequest,
  readJwtSvidRequest,
  readValidateJwtSvidRequest,
  type ValidateJwtSvidRequest,
  writeJwtBundlesResponse,
  writeJwtSvidResponse,
  writeValidateJwtSvidResponse,
  writeX509BundlesResponse,
  writeX509SvidResponse,
  type X509BundlesResponse,
  type X509SvidMessage,
  type X509SvidResponse,
} from './messages.ts';
export {
  MAX_MESSAGE_BYTES,
  SECURITY_HEADER,
  WORKLOAD_API_METHODS,
  type WorkloadApiMethod,
  workloadApiPath,
} from './service.ts';
export type { Watched } from './watched.ts';
export { WireError } from './wire.ts';
export { WorkloadAnswerRefused, type X509Bundles, type X509Context, type X509Svid } from './x509-context.ts';

/** The SPIFFE Workload API as gRPC sees it; messages are read and written by hand, so here they are bytes. */

/** Names as in `workload.proto`, which has no package. */
export const WORKLOAD_API_METHODS = {
  FetchX509SVID: { streams: true },
  FetchX509Bundles: { streams: true },
  FetchJWTSVID: { streams: false },
  FetchJWTBundles: { streams: true },
  ValidateJWTSVID: { streams: false },
} as const;

export type WorkloadApiMethod = keyof typeof WORKLOAD_API_METHODS;

export const workloadApiPath = (method: WorkloadApiMethod): string => `/SpiffeWorkloadAPI/${method}`;

/** What every call must carry, so that no browser or proxy can be made to ask (SPIFFE Workload API section 6.1). */
export const SECURITY_HEADER = { name: 'workload.spiffe.io', value: 'true' } as const;

/** Bundles of many federated trust domains still fit. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** What the Workload API needs of the authority that signs. */
import type { KeyObject } from 'node:crypto';
import type { SpiffeId } from '@sidegate/sdk';

export interface SvidRequest {
  readonly id: SpiffeId;
  /** Made for this one, and handed to the workload. */
  readonly privateKey: KeyObject;
  readonly dnsNames: readonly string[];
  readonly validForMs: number;
}

export interface IssuedSvid {
  /** DER, the leaf first, then whatever stands between it and the trust bundle. */
  readonly chain: readonly Uint8Array[];
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** Signs X.509-SVIDs. */
export interface SvidIssuer {
  issue(request: SvidRequest): Promise<IssuedSvid>;
}

/** What verifies the SVIDs of the own trust domain and of those that it federates with. */
export interface TrustBundles {
  readonly trustDomain: string;
  /** Trust domain → its authorities, DER. */
  x509(): ReadonlyMap<string, readonly Uint8Array[]>;
  /** Trust domain → its JWK set. */
  jwt(): ReadonlyMap<string, Uint8Array>;
  /** DER: a revocation list of each authority of the own trust domain. */
  crl(): readonly Uint8Array[];
  /** Told of every change. Returns what ends it. */
  subscribe(told: () => void): () => void;
}

/** Workloads that were taken back. */
export interface RevokedWorkloads {
  /**
   * Whether what was issued to it at that time counts no more.
   *
   * @param issuedAt milliseconds since the epoch
   */
  isRevoked(id: SpiffeId, issuedAt: number): Promise<boolean>;
  /** Told of every change. Returns what ends it. */
  subscribe(told: () => void): () => void;
}

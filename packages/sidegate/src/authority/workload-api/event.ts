/** What the log is told: every SVID that was issued, and every call that was refused with what was seen of the peer. */
export type WorkloadEvent =
  | {
      readonly event: 'svid';
      readonly kind: 'x509' | 'jwt';
      readonly spiffe_id: string;
      readonly audiences?: readonly string[];
      readonly expires_at: string;
      readonly pid: number | undefined;
    }
  | {
      readonly event: 'workload_refused';
      readonly method: string;
      readonly reason: string;
      readonly cause?: string;
      readonly selectors: readonly string[];
      readonly pid: number | undefined;
    };

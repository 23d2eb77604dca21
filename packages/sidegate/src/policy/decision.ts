/** What a policy said. Only `allow: true` lets a request through; everything else denies. */

export interface Decision {
  readonly allow: boolean;
  /** Undefined result, failed evaluation or no time: a denial that no rule asked for. */
  readonly failure?: 'policy_undefined' | 'policy_error' | 'policy_timeout';
  /** Nobody was there to decide, so that `policy.fallback` may: a denial otherwise. */
  readonly unavailable?: true;
  /** From the policy when it gives them, else one sentence of ours. */
  readonly reasons: readonly string[];
  /** Where the deciding rule stands, `file:line`; undefined when no rule decided. */
  readonly rule?: string;
  /** The `audit` member of a result object, for the record. */
  readonly audit?: Readonly<Record<string, unknown>>;
}

/**
 * Decides one request; never throws or rejects, a failure is a decision that denies.
 * An engine in this process answers at once, one elsewhere with a promise.
 */
export type PolicyEngine = (input: PolicyInput) => Decision | Promise<Decision>;

/** The documented contract between the sidecar and a policy. */
export interface PolicyInput {
  readonly mtls: {
    readonly verified: boolean;
    /** Attribute short names (`CN`, `O`) of the client certificate's subject; empty without one. */
    readonly subject: Readonly<Record<string, string>>;
    readonly spiffe_id?: string;
  };
  /** All verified claims; absent when the route asks for no token and none was sent. */
  readonly token?: Readonly<Record<string, unknown>>;
  /** All verified claims of the transaction token (`Txn-Token`); absent when none was sent, or none is taken. */
  readonly txn?: Readonly<Record<string, unknown>>;
  readonly request: {
    readonly method: string;
    /** As received at this hop. */
    readonly path: string;
    /** As it will be forwarded. */
    readonly upstream_path: string;
    readonly query: string;
    readonly host: string;
  };
  /** The names of `headers.extract` exactly as configured; null = not sent or not passed on, an array = sent several times. */
  readonly headers: Readonly<Record<string, string | readonly string[] | null>>;
}

/** What a policy said. Only `allow: true` lets a request through; everything else denies. */
import type { JsonObject } from '@sidegate/sdk';
import type { PolicyInput as GuardInput } from '@sidegate/sdk/server';

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

/** The documented contract between the sidecar and a policy: what a guard inside a service shows it, and what only a sidecar knows. */
export interface PolicyInput extends GuardInput {
  /** All verified claims of the transaction token (`Txn-Token`); absent when none was sent, or none is taken. */
  readonly txn?: JsonObject;
}

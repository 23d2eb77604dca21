/** One record of each accepted and each refused call, for whoever keeps the audit trail. No credential is in it. */
import type { Problem, ProblemCode } from '../problem.ts';
import type { Principal, ProofKind } from './principal.ts';
import { type Route, tenantOf } from './route-rule.ts';

export interface AccessRecord {
  readonly event: 'service_only_access' | 'access';
  readonly message: string;
  readonly decision: 'allow' | 'deny';
  /** The calling service; null: a user called, or nobody is known. */
  readonly service: string | null;
  /** Of the rule, or the framework's name for the route. */
  readonly endpoint: string;
  /** From the path parameter `tenantId` or `tenant_id`. */
  readonly tenant_id: string | null;
  readonly user_id: string | null;
  readonly proofs: readonly ProofKind[];
  /** ISO 8601. */
  readonly timestamp: string;
  /** Why it was refused; absent when it was not. */
  readonly code?: ProblemCode;
  readonly reason?: string;
}

export interface AccessFacts {
  readonly route: Route;
  readonly onlyServices: boolean;
  readonly principal: Principal | undefined;
  /** Undefined: the call was accepted. */
  readonly refusal: Problem | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export function accessRecord({ route, onlyServices, principal, refusal, now }: AccessFacts): AccessRecord {
  const granted = refusal === undefined ? 'granted' : 'denied';
  return {
    event: onlyServices ? 'service_only_access' : 'access',
    message: onlyServices ? `Service-only access ${granted}` : `Access ${granted}`,
    decision: refusal === undefined ? 'allow' : 'deny',
    service: principal?.service?.name ?? null,
    endpoint: route.name,
    tenant_id: tenantOf(route) ?? null,
    user_id: principal?.user?.id ?? null,
    proofs: principal?.proofs ?? [],
    timestamp: new Date(now).toISOString(),
    ...(refusal === undefined ? {} : { code: refusal.code, reason: refusal.message }),
  };
}

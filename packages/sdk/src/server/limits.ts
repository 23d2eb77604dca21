/** What a token is limited to beside its scopes: tenants and operations. One that has a limit is good for nothing that is outside or unknown. */
import { Problem } from '../problem.ts';
import { excerpt } from '../x509/excerpt.ts';

export interface PrincipalLimits {
  /** Undefined: every tenant. */
  readonly tenants?: readonly string[] | undefined;
  /** Undefined: every operation. */
  readonly operations?: readonly string[] | undefined;
}

/**
 * @param operation of the route; undefined: it has no name
 * @param tenant of this call; undefined: it is about none
 * @throws Problem `insufficient_scope`
 */
export function checkLimits(limits: PrincipalLimits, operation: string | undefined, tenant: string | undefined): void {
  check('operation', limits.operations, operation);
  check('tenant', limits.tenants, tenant);
}

/** What two proofs of one caller leave over. */
export function bothLimits(
  one: PrincipalLimits | undefined,
  two: PrincipalLimits | undefined,
): PrincipalLimits | undefined {
  if (one === undefined || two === undefined) return one ?? two;
  return { tenants: both(one.tenants, two.tenants), operations: both(one.operations, two.operations) };
}

function check(what: 'operation' | 'tenant', allowed: readonly string[] | undefined, asked: string | undefined): void {
  if (allowed === undefined || (asked !== undefined && allowed.includes(asked))) return;
  throw new Problem(
    'insufficient_scope',
    `the token is for other ${what}s than ${asked === undefined ? 'this' : excerpt(asked)}`,
    {
      detail: `The token is not for this ${what}`,
    },
  );
}

function both(one: readonly string[] | undefined, two: readonly string[] | undefined): readonly string[] | undefined {
  if (one === undefined || two === undefined) return one ?? two;
  return one.filter((name) => two.includes(name));
}

/** What one route asks of its callers, after they were authenticated. */
import { requireScopes } from '../jwt/scope.ts';
import { Problem } from '../problem.ts';
import { checkLimits } from './limits.ts';
import type { Principal, UserPrincipal } from './principal.ts';
import type { ReceivedRequest } from './received-request.ts';
import { SYSTEM_ROLE } from './roles.ts';

/** The route as the framework found it. */
export interface Route {
  /** For the audit trail, such as `POST /orders/:id`. */
  readonly name: string;
  /** Path parameters, decoded. */
  readonly params: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** From the path parameter `tenantId` or `tenant_id`. */
export function tenantOf({ params }: Route): string | undefined {
  const tenant = params['tenantId'] ?? params['tenant_id'];
  return typeof tenant === 'string' ? tenant : undefined;
}

/** Whom a resource belongs to; undefined: to nobody, so that no user has it. */
export type OwnerOf = (request: ReceivedRequest, route: Route) => string | undefined | Promise<string | undefined>;

/** All of it must hold. */
export interface RouteRule {
  /** A service must call, for itself or on behalf of a user. */
  readonly service?: boolean;
  /** Which services may; by default all that are authenticated. */
  readonly callers?: readonly string[];
  /** All of them must be granted. */
  readonly scopes?: readonly string[];
  /** One of them is enough. */
  readonly roles?: readonly string[];
  /** Whether the user that is called for may do this; without a user nobody may. Asked after everything about the service. */
  readonly user?: (user: UserPrincipal) => boolean | Promise<boolean>;
  /** What a call of this route does, such as `tenant:delete`: a token that is limited to operations must name it. */
  readonly operation?: string;
  /** A service that calls for itself (`system`) is not asked for it. */
  readonly owner?: OwnerOf;
  /** The route in the audit trail, instead of the framework's name for it. */
  readonly name?: string;
}

/**
 * Checks everything that needs no waiting; what is left is a promise.
 *
 * @throws Problem, at once or as a rejection
 */
export function checkRule(
  rule: RouteRule,
  principal: Principal,
  asked: { readonly request: ReceivedRequest; readonly route: Route },
): void | Promise<void> {
  const { service } = principal;
  if (rule.service === true && service === undefined) {
    const detail = 'This endpoint is only accessible to internal services';
    throw new Problem('service_required', 'a user called without a service', { detail });
  }
  if (rule.callers !== undefined && service !== undefined) checkCaller(rule.callers, service.name);
  if (rule.scopes !== undefined) requireScopes(principal.scopes, rule.scopes);
  if (rule.roles !== undefined && !rule.roles.some((role) => principal.roles.includes(role))) {
    throw new Problem('role_required', `none of the roles ${rule.roles.join(', ')}`);
  }
  if (principal.limits !== undefined) checkLimits(principal.limits, rule.operation, tenantOf(asked.route));
  if (rule.user === undefined && rule.owner === undefined) return undefined;
  return checkUser(rule, principal, asked);
}

/** @throws Problem `peer_not_allowed` */
export function checkCaller(callers: readonly string[], name: string): void {
  if (callers.includes(name)) return;
  throw new Problem('peer_not_allowed', `${name} is not among the callers`, {
    detail: `Service ${name} is not authorized`,
  });
}

async function checkUser(
  { user: mayUser, owner: ownerOf }: RouteRule,
  { user, roles }: Principal,
  { request, route }: { readonly request: ReceivedRequest; readonly route: Route },
): Promise<void> {
  if (mayUser !== undefined && (user === undefined || !(await mayUser(user)))) {
    throw new Problem('user_not_authorized', user === undefined ? 'no user is called for' : 'not this user');
  }
  if (ownerOf === undefined || (user === undefined && roles.includes(SYSTEM_ROLE))) return;
  const owner = await ownerOf(request, route);
  if (user === undefined || owner === undefined || owner !== user.id)
    throw new Problem('not_owner', 'it belongs to somebody else');
}

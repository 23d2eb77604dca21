/** The ways to declare who may call a route, made into whatever a framework calls a guard. */
import type { OwnerOf, RouteRule } from './route-rule.ts';
import type { RouteGuard, ServiceAuth } from './service-auth.ts';

/** @typeParam Handler what the framework runs before a route's own handler */
export interface Guards<Handler> {
  /** A service must call, and be granted all of these scopes. */
  requireServiceAuth(scopes?: readonly string[], rule?: RouteRule): Handler;
  /** A service must call, whichever is authenticated. */
  serviceOnly(rule?: RouteRule): Handler;
  /** The caller must have one of these roles. */
  requireRoles(first: string, ...others: readonly string[]): Handler;
  /** The user who is called for must own the resource; a service that calls for itself need not. */
  requireOwner(owner: OwnerOf, rule?: RouteRule): Handler;
  /** Whoever is authenticated may call, as far as the rule and the policy allow it. */
  requireAuth(rule?: RouteRule): Handler;
  /** Anybody may call, and nobody is known. */
  publicRoute(): Handler;
  /** Whether a handler is one of these: a route without one has no rule. */
  readonly declares: (handler: unknown) => boolean;
  /** Whether users may call a route that is for services alone, as `serviceOnlyRoutes` has it. */
  readonly letsUsersIn: (route: RegisteredRoute) => boolean;
}

export function createGuards<Handler extends object>(
  auth: ServiceAuth,
  handlerOf: (guard: RouteGuard) => Handler,
): Guards<Handler> {
  const made = new WeakMap<object, RouteRule | undefined>();
  const guard = (rule: RouteRule | undefined): Handler => {
    const handler = handlerOf(auth.guard(rule));
    made.set(handler, rule);
    return handler;
  };
  const declares = (handler: unknown): handler is Handler => typeof handler === 'function' && made.has(handler);
  return {
    requireServiceAuth: (scopes = [], rule = {}) => guard({ ...rule, scopes, service: true }),
    serviceOnly: (rule = {}) => guard({ ...rule, service: true }),
    requireRoles: (...roles) => guard({ roles }),
    requireOwner: (owner, rule = {}) => guard({ ...rule, owner }),
    requireAuth: (rule = {}) => guard(rule),
    publicRoute: () => guard(undefined),
    declares,
    letsUsersIn: ({ name, handlers }) =>
      auth.isServiceOnly(name) && !handlers.some((handler) => declares(handler) && made.get(handler)?.service === true),
  };
}

/** A route as it is registered with a framework. */
export interface RegisteredRoute {
  /** Such as `POST /orders`. */
  readonly name: string;
  /** In their order; the last one answers, so that a guard in its place guards nothing. */
  readonly handlers: readonly unknown[];
}

/**
 * Stops the start of a service that has a route without a rule, or one that is for services alone and lets users in.
 *
 * @throws Error that names every one of them
 */
export function requireRules(
  service: string,
  routes: Iterable<RegisteredRoute>,
  guards: Pick<Guards<never>, 'declares' | 'letsUsersIn'>,
): void {
  const all = [...routes];
  const named = (lacking: (route: RegisteredRoute) => boolean): string =>
    all
      .filter(lacking)
      .map(({ name }) => name)
      .join(', ');
  // Where there are guards alone nobody answers, so that there is nothing to guard.
  const undeclared = named(
    ({ handlers }) => !handlers.slice(0, -1).some(guards.declares) && !handlers.every(guards.declares),
  );
  if (undeclared !== '') {
    throw new Error(
      `${service}: ${undeclared}: nobody said who may call; put requireServiceAuth(…), requireRoles(…), requireOwner(…) or publicRoute() before the handler`,
    );
  }
  const open = named(guards.letsUsersIn);
  if (open !== '') throw new Error(`${service}: ${open}: users could call it; put serviceOnly(…) before the handler`);
}

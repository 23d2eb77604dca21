/** One payment service, whatever framework serves it: its routes, who may call them, and what they answer. */
import { currentContext } from '@sidegate/sdk/client';
import type { Guards, Principal, Route, ServiceAuth } from '@sidegate/sdk/server';

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

export interface ServiceRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Parameters begin with `:`. */
  readonly path: string;
  /** Undefined: forgotten. */
  readonly rule: (<Handler>(guards: Guards<Handler>) => Handler) | undefined;
  readonly handle: (principal: Principal | undefined, params: Route['params']) => Reply;
}

export interface GuardedServer extends AsyncDisposable {
  readonly port: number;
}

export interface ServedWith {
  readonly auth: ServiceAuth;
  readonly routes: readonly ServiceRoute[];
  /** Undefined: plain HTTP. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca: string } | undefined;
}

/** Starts the service on a loopback port. */
export type Framework = (served: ServedWith) => Promise<GuardedServer>;

const OWNERS: Readonly<Record<string, string>> = { '42': 'mary', '43': 'john' };

/** @param ran told of each handler that runs */
export function paymentRoutes(ran: (route: string) => void): readonly ServiceRoute[] {
  const route = (
    method: ServiceRoute['method'],
    path: string,
    rule: ServiceRoute['rule'],
    answer: (principal: Principal | undefined, params: Route['params']) => Reply,
  ): ServiceRoute => ({
    method,
    path,
    rule,
    handle: (principal, params) => {
      ran(`${method} ${path}`);
      return answer(principal, params);
    },
  });
  const seen = (status: number) => (principal: Principal | undefined) => ({
    status,
    body: { service: principal?.service?.name ?? null, user: principal?.user?.id ?? null },
  });
  return [
    route('POST', '/charge', (guards) => guards.requireServiceAuth(['payment:charge']), seen(200)),
    route('POST', '/refund', (guards) => guards.requireServiceAuth(['payment:refund']), seen(200)),
    route('GET', '/inventory', (guards) => guards.requireServiceAuth(['inventory:reserve']), seen(200)),
    route('POST', '/orders', (guards) => guards.requireRoles('customer', 'admin'), seen(201)),
    route('POST', '/commands', (guards) => guards.requireRoles('system'), seen(200)),
    route(
      'GET',
      '/orders/:id',
      (guards) => guards.requireOwner((_request, { params }) => OWNERS[String(params['id'])]),
      seen(200),
    ),
    route(
      'DELETE',
      '/tenants/:tenantId',
      (guards) => guards.serviceOnly(),
      (principal, { tenantId }) => ({
        status: 200,
        body: { service: principal?.service?.name, tenant: tenantId },
      }),
    ),
    route(
      'POST',
      '/orders/on-behalf',
      (guards) => guards.requireServiceAuth(['orders:create'], { user: async ({ id }) => id === 'mary' }),
      seen(201),
    ),
    route(
      'GET',
      '/onward',
      (guards) => guards.requireAuth(),
      () => ({ status: 200, body: currentContext() }),
    ),
    route('GET', '/health', (guards) => guards.publicRoute(), seen(200)),
    route(
      'GET',
      '/broken',
      (guards) => guards.serviceOnly(),
      () => {
        throw new Error('the database is away');
      },
    ),
  ];
}

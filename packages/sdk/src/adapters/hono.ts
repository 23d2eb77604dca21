/** `@sidegate/sdk/hono`: guards for the routes of Hono, under Node (with client certificates) and wherever there is `fetch`. */
import { IncomingMessage } from 'node:http';
import type { Context, Hono, MiddlewareHandler } from 'hono';
import { within } from '../context/call-context.ts';
import type { Answer } from '../server/answer.ts';
import { fetchRequest } from '../server/fetch-request.ts';
import { createGuards, type Guards, type RegisteredRoute, requireRules } from '../server/guards.ts';
import { createNodeRequests } from '../server/node-request.ts';
import type { Principal } from '../server/principal.ts';
import type { ServiceAuth } from '../server/service-auth.ts';

/** `new Hono<GuardedEnv>()`: handlers find who calls with `c.get('principal')`, undefined on public routes. */
export interface GuardedEnv {
  // biome-ignore lint/style/useNamingConvention: Hono's name
  readonly Variables: { principal: Principal | undefined };
}

export interface HonoGuards extends Guards<MiddlewareHandler<GuardedEnv>> {
  /** Stops the start when a route has no rule. */
  requireRules(app: Pick<Hono, 'routes'>): void;
  /** For `onError`: answers refusals that handlers threw, and passes every other error on. */
  readonly refusals: (error: Error) => Response;
}

/**
 * Guards as middleware of a route.
 *
 * @example
 * ```ts
 * import { type GuardedEnv, honoGuards } from '@sidegate/sdk/hono';
 * import { Hono } from 'hono';
 * import { bearer, serviceAuth } from '@sidegate/sdk/server';
 *
 * const tokens = bearer({ issuers: ['https://idp.example.com/realms/services'], audience: 'payment-service' });
 * const guards = honoGuards(serviceAuth({ service: 'payment-service', authenticator: tokens }));
 * const app = new Hono<GuardedEnv>();
 * app.post('/charge', guards.requireServiceAuth(['payment:charge']), (c) => c.json({ caller: c.get('principal')?.service?.name }));
 * guards.requireRules(app);
 * app.onError(guards.refusals);
 * ```
 */
export function honoGuards(auth: ServiceAuth): HonoGuards {
  const received = createNodeRequests();
  const guards = createGuards<MiddlewareHandler<GuardedEnv>>(auth, ({ admit }) => async (c, next) => {
    const message = messageOf(c);
    const request = message === undefined ? fetchRequest(c.req.raw) : received(message);
    const admission = await admit(request, { name: `${c.req.method} ${c.req.routePath}`, params: c.req.param() });
    if (!admission.ok) return respond(admission.answer);
    c.set('principal', admission.principal);
    return within(admission.context, next);
  });
  return {
    ...guards,
    requireRules: ({ routes }) => requireRules(auth.service, registered(routes), guards),
    refusals: (error) => {
      const answer = auth.refusal(error);
      if (answer === undefined) throw error;
      return respond(answer);
    },
  };
}

/** What `@hono/node-server` hands on. */
function messageOf({ env }: Context): IncomingMessage | undefined {
  const incoming: unknown = (env as { readonly incoming?: unknown } | undefined)?.incoming;
  return incoming instanceof IncomingMessage ? incoming : undefined;
}

/** Each handler is an entry of its own; one for all methods that takes `next` is a middleware, and no route. */
function registered(routes: Hono['routes']): readonly RegisteredRoute[] {
  const grouped = Object.entries(Object.groupBy(routes, ({ method, path }) => `${method} ${path}`));
  const found = grouped.map(([name, entries = []]) => ({ name, handlers: entries.map(({ handler }) => handler) }));
  return found.filter(({ name, handlers }) => !name.startsWith('ALL ') || handlers.some(({ length }) => length < 2));
}

const respond = ({ status, headers, body }: Answer): Response =>
  new Response(body, { status, headers: { ...headers } });

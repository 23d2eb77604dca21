/** `@sidegate/sdk/koa`: guards for Koa 3, before the handlers of a router. */
import type { Context, Middleware } from 'koa';
import { within } from '../context/call-context.ts';
import type { Answer } from '../server/answer.ts';
import { createGuards, type Guards, requireRules } from '../server/guards.ts';
import { createNodeRequests } from '../server/node-request.ts';
import type { ServiceAuth } from '../server/service-auth.ts';
import { type KoaRouter, koaRoutes } from './koa-routes.ts';

/** Handlers find who calls in `ctx.state.principal`, undefined on public routes. */
export interface KoaGuards extends Guards<Middleware> {
  /** Stops the start when a route of this router has no rule. */
  requireRules(router: KoaRouter): void;
  /** The first middleware: answers refusals that handlers threw, and passes every other error on. */
  readonly refusals: Middleware;
}

/**
 * Guards as middleware, before the handler of a route.
 *
 * @example
 * ```ts
 * import { koaGuards } from '@sidegate/sdk/koa';
 * import Koa from 'koa';
 * import { bearer, serviceAuth } from '@sidegate/sdk/server';
 *
 * const tokens = bearer({ issuers: ['https://idp.example.com/realms/services'], audience: 'payment-service' });
 * const guards = koaGuards(serviceAuth({ service: 'payment-service', authenticator: tokens }));
 * const app = new Koa();
 * app.use(guards.refusals);
 * // Before a handler of a router: router.post('/charge', charging, (ctx) => …), and then guards.requireRules(router).
 * const charging = guards.requireServiceAuth(['payment:charge']);
 * ```
 */
export function koaGuards(auth: ServiceAuth): KoaGuards {
  const received = createNodeRequests();
  const guards = createGuards<Middleware>(auth, ({ admit }) => async (ctx, next) => {
    const { params = {}, _matchedRoute: path = ctx.path } = ctx as typeof ctx & RouterContext;
    const admission = await admit(received(ctx.req, ctx.originalUrl), {
      name: `${ctx.method} ${String(path)}`,
      params,
    });
    if (!admission.ok) return send(ctx, admission.answer);
    ctx.state['principal'] = admission.principal;
    return within(admission.context, next);
  });
  const refusals: Middleware = async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const answer = auth.refusal(error);
      if (answer === undefined) throw error;
      send(ctx, answer);
    }
  };
  return { ...guards, refusals, requireRules: (router) => requireRules(auth.service, koaRoutes(router), guards) };
}

/** What a router adds. */
interface RouterContext {
  readonly params?: Readonly<Record<string, string>>;
  readonly _matchedRoute?: string | RegExp;
}

function send(ctx: Pick<Context, 'status' | 'body' | 'set'>, { status, headers, body }: Answer): void {
  ctx.status = status;
  ctx.body = body;
  ctx.set({ ...headers });
}

/** `@sidegate/sdk/node`: guards for plain `node:http` and `node:https`, and the one listener that serves what they guard. */
import type { RequestListener } from 'node:http';
import { createGuards, type Guards, requireRules } from '../server/guards.ts';
import { createNodeRequests } from '../server/node-request.ts';
import type { ServiceAuth } from '../server/service-auth.ts';
import { type GuardedRoutes, listenerOf, type NodeGuard, send } from './node-listener.ts';

export type { GuardedRoutes, NodeCall, NodeGuard, NodeHandler } from './node-listener.ts';

export interface NodeGuards extends Guards<NodeGuard> {
  /**
   * Serves the listed routes and nothing else.
   *
   * @param failed told of what handlers throw that is no refusal, after the caller has had a 500
   * @throws Error that names the routes without a rule
   */
  listener(routes: GuardedRoutes, failed: (error: unknown) => void): RequestListener;
}

/**
 * Guards, and a listener for the routes that have one.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { type GuardedRoutes, nodeGuards } from '@sidegate/sdk/node';
 * import { bearer, serviceAuth } from '@sidegate/sdk/server';
 *
 * const tokens = bearer({ issuers: ['https://idp.example.com/realms/services'], audience: 'payment-service' });
 * const guards = nodeGuards(serviceAuth({ service: 'payment-service', authenticator: tokens }));
 * const routes = {
 *   'POST /charge': [
 *     guards.requireServiceAuth(['payment:charge']),
 *     (_request, response, { principal }) => response.end(principal?.service?.name),
 *   ],
 * } satisfies GuardedRoutes;
 * createServer(guards.listener(routes, console.error)).listen(3000);
 * ```
 */
export function nodeGuards(auth: ServiceAuth): NodeGuards {
  const received = createNodeRequests();
  const guards = createGuards<NodeGuard>(auth, ({ admit }) => async (request, response, route) => {
    const admission = await admit(received(request), route);
    if (admission.ok)
      return { call: { principal: admission.principal, params: route.params }, context: admission.context };
    send(response, admission.answer);
    return undefined;
  });
  return {
    ...guards,
    listener(routes, failed) {
      const registered = Object.entries(routes).map(([name, handlers]) => ({ name, handlers }));
      requireRules(auth.service, registered, guards);
      return listenerOf(auth, routes, failed);
    },
  };
}

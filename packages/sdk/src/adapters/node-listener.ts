/** A listener for routes of which each has its guard; where no framework answers for a handler that fails, this does. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type CallContext, within } from '../context/call-context.ts';
import type { Answer } from '../server/answer.ts';
import type { Principal } from '../server/principal.ts';
import type { Route } from '../server/route-rule.ts';
import { compileRoutes } from '../server/route-table.ts';
import type { ServiceAuth } from '../server/service-auth.ts';

export interface NodeCall {
  /** Who calls; undefined on public routes. */
  readonly principal: Principal | undefined;
  readonly params: Route['params'];
}

export type NodeHandler = (request: IncomingMessage, response: ServerResponse, call: NodeCall) => unknown;

/** Undefined: it has answered, and the handler must not run. */
export type NodeGuard = (
  request: IncomingMessage,
  response: ServerResponse,
  route: Route,
) => Promise<{ readonly call: NodeCall; readonly context: CallContext } | undefined>;

/** By `METHOD /path/:parameter`. */
export type GuardedRoutes = Readonly<Record<string, readonly [NodeGuard, NodeHandler]>>;

export function listenerOf(
  auth: ServiceAuth,
  routes: GuardedRoutes,
  failed: (error: unknown) => void,
): RequestListener {
  const find = compileRoutes(routes);
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [[guard, handler], route] = find(request.method ?? '', request.url ?? '');
    const admitted = await guard(request, response, route);
    if (admitted === undefined) return;
    await within(admitted.context, () => handler(request, response, admitted.call));
  };
  return (request, response) =>
    void serve(request, response).catch((error: unknown) => {
      const refusal = auth.refusal(error);
      if (response.headersSent) response.destroy();
      else send(response, refusal ?? auth.failure());
      if (refusal === undefined) failed(error);
    });
}

export function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers }).end(body);
}

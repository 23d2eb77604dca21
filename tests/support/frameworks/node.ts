import { type NodeGuard, type NodeHandler, nodeGuards } from '@sidegate/sdk/node';
import type { Framework } from './guarded-service.ts';
import { createGuardedServer, serving } from './serving.ts';

export const startNode: Framework = async ({ auth, routes, tls }) => {
  const guards = nodeGuards(auth);
  const table = routes.map(({ method, path, rule, handle }) => {
    const handler: NodeHandler = (_request, response, { principal, params }) => {
      const { status, body } = handle(principal, params);
      const text = JSON.stringify(body);
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
      response.writeHead(status, headers).end(text);
    };
    // Without a rule it does not compile, and JavaScript finds out at the start.
    const entry =
      rule === undefined
        ? ([handler, handler] as unknown as [NodeGuard, NodeHandler])
        : ([rule(guards), handler] as const);
    return [`${method} ${path}`, entry] as const;
  });
  const listener = guards.listener(Object.fromEntries(table), () => {});
  return serving(createGuardedServer(listener, tls));
};

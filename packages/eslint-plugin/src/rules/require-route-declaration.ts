/** Every route says who may call it; one that destroys a tenant's data says that only services may. */

import type { Node } from '../analysis/syntax.ts';
import { guardsIn } from '../routes/guard.ts';
import { nestRoute } from '../routes/nest-route.ts';
import { type RegisteredRoute, registeredRoute } from '../routes/registered-route.ts';
import { defineRule, NAMES, optionsOf } from '../rule.ts';

interface Options {
  readonly guards: readonly string[];
}

const TENANT = /(?:^|[/:{-])tenants?(?:$|[/}_-]|Id\b)/i;

export const requireRouteDeclaration = defineRule(
  {
    description: 'Require a rule of @sidegate/sdk on every route of Express, Fastify, Hono, Koa and Nest.',
    messages: {
      undeclared:
        '{{route}}: nobody said who may call. Put requireServiceAuth(…), serviceOnly(), requireRoles(…), requireOwner(…) or publicRoute() of @sidegate/sdk/{{framework}} before the handler.',
      destructive:
        "{{route}} destroys a tenant's data, and any authenticated user may call it. Put serviceOnly() or requireServiceAuth(…) of @sidegate/sdk/{{framework}} before the handler.",
    },
    options: { properties: { guards: NAMES } },
  },
  (context) => {
    const { sourceCode: code } = context;
    const extra = optionsOf<Options>(context).guards ?? [];
    const check = (node: Node, { framework, methods, path, before }: RegisteredRoute): void => {
      const guards = before.flatMap((each) => guardsIn(code, each, extra));
      const destructive = methods.includes('DELETE') && TENANT.test(path);
      const declared = destructive
        ? guards.some(({ name, forServices }) => forServices || extra.includes(name))
        : guards.length > 0;
      if (declared) return;
      const route = `${methods.join(', ')} ${path}`;
      context.report({ node, messageId: destructive ? 'destructive' : 'undeclared', data: { route, framework } });
    };
    return {
      CallExpression(node) {
        const route = registeredRoute(code, node);
        if (route !== undefined) check(nameOfCall(node), route);
      },
      MethodDefinition(node) {
        const route = nestRoute(code, node);
        if (route !== undefined) check(route.at, route);
      },
    };
  },
);

/** The verb, which in a chain stands in a line of its own. */
function nameOfCall(node: Extract<Node, { type: 'CallExpression' }>): Node {
  return node.callee.type === 'MemberExpression' ? node.callee.property : node;
}

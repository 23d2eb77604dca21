/** One client, one domain: who holds the client for payments cannot reach the warehouse with it. */
import type { SourceCode } from 'eslint';
import { below, type ClassNode, isClass, type Node, parentOf } from '../analysis/syntax.ts';
import type { Text } from '../analysis/text.ts';
import { usesOf } from '../calls/client-uses.ts';
import { clientOf, outgoingCall } from '../calls/outgoing.ts';
import { domainOf, type HostOptions, serviceOf } from '../calls/service-host.ts';
import { defineRule, NAMES, optionsOf } from '../rule.ts';

export const oneClientPerDomain = defineRule(
  {
    description: 'Require a client of its own for each service that is called.',
    messages: {
      class:
        'This class calls {{services}}. Whoever gets it may call them all, with credentials that are good for all. Make an adapter for each, such as PaymentClient and InventoryClient.',
      client: 'This client calls {{services}} with the same credentials. Make one for each.',
    },
    options: { properties: { services: NAMES, exempt: NAMES } },
  },
  (context) => {
    const { sourceCode: code } = context;
    const hosts = optionsOf<HostOptions>(context);
    const check = (owner: ClassNode): void => {
      const urls = [...below(code, owner.body)].flatMap((node) =>
        classAround(node) === owner ? [urlsOf(code, node)] : [],
      );
      const services = domains(urls);
      if (services !== undefined) context.report({ node: owner.id ?? owner, messageId: 'class', data: { services } });
    };
    const checkClient = (node: Node): void => {
      if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return;
      const client = clientOf(code, node);
      if (client === undefined || classAround(node) !== undefined) return;
      const { calls } = usesOf(code, node);
      const services = domains(calls.map((call) => outgoingCall(code, call)?.urls ?? []));
      if (services !== undefined) context.report({ node, messageId: 'client', data: { services } });
    };
    return {
      ClassDeclaration: check,
      ClassExpression: check,
      CallExpression: checkClient,
      NewExpression: checkClient,
    };

    /** Of two services or more. One call is for one, whichever of its texts the program makes. */
    function domains(calls: readonly (readonly Text[])[]): string | undefined {
      const services = new Map<string, string>();
      for (const urls of calls) {
        const service = urls.map((url) => serviceOf(code, url, hosts)).find((each) => each !== undefined);
        const domain = service === undefined ? '' : domainOf(service);
        if (service !== undefined && domain !== '' && !services.has(domain)) services.set(domain, service);
      }
      return services.size > 1 ? [...services.values()].join(', ') : undefined;
    }
  },
);

function urlsOf(code: SourceCode, node: Node): readonly Text[] {
  if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return [];
  const client = clientOf(code, node);
  if (client !== undefined) return client.urls;
  return node.type === 'CallExpression' ? (outgoingCall(code, node)?.urls ?? []) : [];
}

function classAround(node: Node): ClassNode | undefined {
  for (let next = parentOf(node); next !== undefined; next = parentOf(next)) if (isClass(next)) return next;
  return undefined;
}

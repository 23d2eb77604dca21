/** AUTH-14: every call to another service proves who calls, by mutual TLS or by credentials. */
import type { SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { originOf } from '../analysis/origin.ts';
import { memberName, type Node, parentOf } from '../analysis/syntax.ts';
import { usesOf } from '../calls/client-uses.ts';
import { type Call, type Client, clientOf, type OutgoingCall, outgoingCall } from '../calls/outgoing.ts';
import { type Proof, type ProofOptions, proofOf, strongest } from '../calls/proof.ts';
import { type HostOptions, serviceOf } from '../calls/service-host.ts';
import { defineRule, NAMES, optionsOf } from '../rule.ts';

interface Options extends HostOptions {
  readonly credentialHeaders: readonly string[];
}

const SIDEGATE = '@sidegate/sdk/client.serviceClient()';

export const noAnonymousServiceCall = defineRule(
  {
    description: 'Refuse calls to other services that carry neither mutual TLS nor credentials (AUTH-14).',
    messages: {
      call: 'AUTH-14: this call to {{service}} proves nobody: it has neither a client certificate nor credentials. Send it through serviceClient() of @sidegate/sdk/client, or give it an Authorization header of this service.',
      client:
        'AUTH-14: this client for {{service}} proves nobody: every request through it is anonymous. Give it a client certificate or credentials, as serviceClient() of @sidegate/sdk/client does.',
      serviceClient:
        'AUTH-14: serviceClient() without identity and credentials throws when it is made. Give it an identity (mutual TLS) or credentials.',
    },
    options: { properties: { services: NAMES, exempt: NAMES, credentialHeaders: NAMES } },
  },
  (context) => {
    const { sourceCode: code } = context;
    const options = optionsOf<Options>(context);
    const headers = (options.credentialHeaders ?? []).map((name) => name.toLowerCase());
    const anonymity = { code, hosts: options, proofs: { headers } };
    return {
      CallExpression(node) {
        const client = clientOf(code, node);
        if (client !== undefined) return checkClient(client);
        const call = outgoingCall(code, node);
        if (call === undefined || call.client !== undefined) return;
        const service = anonymousCall(anonymity, call);
        if (service !== undefined) context.report({ node, messageId: 'call', data: { service } });
      },
      NewExpression(node) {
        const client = clientOf(code, node);
        if (client !== undefined) checkClient(client);
      },
    };

    function checkClient(client: Client): void {
      if (client.origin === SIDEGATE) {
        if (proofOf(code, client.options) === 'none') context.report({ node: client.node, messageId: 'serviceClient' });
        return;
      }
      if (proofOf(code, client.options, anonymity.proofs) !== 'none') return;
      const { calls, touched } = usesOf(code, client.node);
      if (touched) return;
      const sent = calls.map((node) => outgoingCall(code, node)).filter((call) => call !== undefined);
      const anonymous = sent.flatMap((call) => {
        const service = anonymousCall(anonymity, call);
        return service === undefined ? [] : [{ node: call.node, service }];
      });
      const service = client.urls.map((url) => serviceOf(code, url, options)).find((each) => each !== undefined);
      if (service !== undefined && anonymous.length === sent.length)
        return context.report({ node: client.node, messageId: 'client', data: { service } });
      for (const { node, service: target } of anonymous)
        context.report({ node, messageId: 'call', data: { service: target } });
    }
  },
);

interface Anonymity {
  readonly code: SourceCode;
  readonly hosts: HostOptions;
  readonly proofs: ProofOptions;
}

/** The service that a call asks without saying who asks. */
function anonymousCall({ code, hosts, proofs }: Anonymity, call: OutgoingCall): string | undefined {
  const service = call.urls.map((url) => serviceOf(code, url, hosts)).find((each) => each !== undefined);
  if (service === undefined) return undefined;
  const proof = strongest([
    proofOf(code, call.options, proofs),
    proofOfChain(call.node),
    proofOfLater(code, call.node),
  ]);
  return proof === 'none' ? service : undefined;
}

/** superagent: `.get(url).set('Authorization', …)`, `.auth(…)`. */
function proofOfChain(call: Node): Proof {
  for (let member = parentOf(call); member?.type === 'MemberExpression'; ) {
    const outer = parentOf(member);
    if (outer?.type !== 'CallExpression' || outer.callee !== member) return 'none';
    const name = memberName(member);
    if (name === 'auth' || (name === 'set' && isAuthorization(outer.arguments[0]))) return 'given';
    if (name === 'set' || name === 'use') return 'unseen';
    member = parentOf(outer);
  }
  return 'none';
}

function isAuthorization(name: Call['arguments'][number] | undefined): boolean {
  return name?.type === 'Literal' && String(name.value).toLowerCase() === 'authorization';
}

/** Node's request takes headers until its body begins. */
function proofOfLater(code: SourceCode, call: ESTree.CallExpression): Proof {
  const later = /^https?\./.test(originOf(code, call) ?? '') && usesOf(code, call).touched;
  return later ? 'unseen' : 'none';
}

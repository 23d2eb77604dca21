/** AUTH-13: a service calls as itself. The token of whoever called it was made for it, not for the next one. */
import { shapeOf } from '../analysis/shape.ts';
import type { Node } from '../analysis/syntax.ts';
import { isIncomingCredential, isIncomingHeaders } from '../calls/incoming-credential.ts';
import { type OutgoingCall, outgoingCall } from '../calls/outgoing.ts';
import { isHostOf } from '../calls/service-host.ts';
import { defineRule, NAMES, optionsOf } from '../rule.ts';

interface Options {
  readonly exempt: readonly string[];
}

const FIELD = /^(?:authorization|cookie|x-(?:user|access|auth)-token)$/i;

export const noUserTokenForwarding = defineRule(
  {
    description: "Refuse calls to other services that carry the caller's own token (AUTH-13).",
    messages: {
      forwarded:
        "AUTH-13: this passes the caller's token on. Whoever receives it can act as that user here and everywhere else. Call with this service's own token, or exchange it (RFC 8693) for one that only the target takes.",
      headers:
        "AUTH-13: this passes on every header field of the caller, their token and cookies among them. Name the fields that the target needs, and call with this service's own token.",
    },
    options: { properties: { exempt: NAMES } },
  },
  (context) => {
    const { sourceCode: code } = context;
    const exempt = optionsOf<Options>(context).exempt ?? [];
    return {
      CallExpression(node) {
        const call = outgoingCall(code, node);
        if (call === undefined || call.urls.some((url) => isHostOf(url, exempt))) return;
        for (const { at, messageId } of findings(call)) {
          // What was put together elsewhere is a finding of the call that sends it.
          const inside =
            (at.range?.[0] ?? 0) >= (node.range?.[0] ?? 0) && (at.range?.[1] ?? 0) <= (node.range?.[1] ?? 0);
          context.report({ node: inside ? at : node, messageId });
        }
      },
    };

    function findings({ options }: OutgoingCall): readonly { at: Node; messageId: string }[] {
      return options.flatMap((each) => {
        const headers = shapeOf(code, each).members.get('headers');
        if (headers === undefined) return [];
        const { members, unseen } = shapeOf(code, headers.value);
        const spread = unseen.filter((part) => isIncomingHeaders(code, part));
        const fields = [...members].filter(
          ([name, { value }]) => FIELD.test(name) && isIncomingCredential(code, value),
        );
        return [
          ...spread.map((at) => ({ at, messageId: 'headers' })),
          ...fields.map(([, { node: at }]) => ({ at, messageId: 'forwarded' })),
        ];
      });
    }
  },
);

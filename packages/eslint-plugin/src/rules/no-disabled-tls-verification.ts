/** TLS without a check of the other side's certificate is a call to whoever answers. */
import { resolve } from '../analysis/resolve.ts';
import { below, isFunction, memberName, type Node, nameOf, unwrap } from '../analysis/syntax.ts';
import { textsOf } from '../analysis/text.ts';
import { defineRule } from '../rule.ts';

const SWITCHES: ReadonlySet<string> = new Set(['rejectUnauthorized', 'strictSSL']);
const VARIABLE = 'NODE_TLS_REJECT_UNAUTHORIZED';
const OLD_VERSION = /^(?:SSLv2|SSLv3|TLSv1(?:[._]1)?)(?:_(?:client_|server_)?method)?$/;

export const noDisabledTlsVerification = defineRule(
  {
    description: 'Refuse TLS that does not verify who is on the other side.',
    messages: {
      unverified:
        '{{name}} switched off accepts every certificate: whoever is in between reads and answers the call. Trust the CA of the other side with `ca` instead.',
      sometimes:
        '{{name}} depends on where the program runs: what is not verified in one place is found out in the other. Trust a CA of each environment with `ca` instead.',
      environment: `${VARIABLE} set to 0 switches verification off for every connection of the process. Trust further CAs with NODE_EXTRA_CA_CERTS instead.`,
      anyName:
        'checkServerIdentity accepts every name: any certificate of the CA may stand for any service. Leave it out, or call tls.checkServerIdentity in it and return its error.',
      oldVersion:
        '{{name}} lets {{version}} be used, which is broken (RFC 8996). Leave it out: TLS 1.2 is the least then.',
      verify: 'Verify: set it to true.',
    },
    suggests: true,
  },
  (context) => {
    const { sourceCode: code } = context;
    const checkSwitch = (node: Node, name: string, value: Node): void => {
      const resolved = resolve(code, value);
      const off = isOff(resolved);
      if (!off && !dependsOnEnvironment(resolved)) return;
      context.report({
        node,
        messageId: off ? 'unverified' : 'sometimes',
        data: { name },
        suggest: [{ messageId: 'verify', fix: (fixer) => fixer.replaceText(value, 'true') }],
      });
    };
    const check = (node: Node, name: string | undefined, value: Node): void => {
      if (name === undefined) return;
      if (SWITCHES.has(name)) checkSwitch(node, name, value);
      if (name === VARIABLE && textsOf(code, value).some(([text]) => text === '0'))
        context.report({ node, messageId: 'environment' });
      if (name === 'checkServerIdentity' && acceptsAll(resolve(code, value)))
        context.report({ node, messageId: 'anyName' });
      if (name === 'minVersion' || name === 'secureProtocol') checkVersion(node, name, value);
    };
    return {
      Property(node) {
        if (node.value.type !== 'AssignmentPattern') check(node, nameOf(node.key, node.computed), node.value);
      },
      PropertyDefinition(node) {
        if (node.value) check(node, nameOf(node.key, node.computed), node.value);
      },
      AssignmentExpression(node) {
        const target = unwrap(node.left);
        if (target.type === 'MemberExpression') check(node, memberName(target), node.right);
      },
    };

    function checkVersion(node: Node, name: string, value: Node): void {
      const [text] = textsOf(code, value);
      const version = text?.length === 1 && typeof text[0] === 'string' ? text[0] : '';
      if (OLD_VERSION.test(version))
        context.report({
          node,
          messageId: 'oldVersion',
          data: { name, version: version.replace(/_(?:client_|server_)?method$/, '').replace('_', '.') },
        });
    }

    /** `process.env.NODE_ENV === 'production'`, and whatever else compares it. */
    function dependsOnEnvironment(value: Node): boolean {
      if (value.type === 'Literal') return false;
      return [...below(code, value)].some(
        (node) =>
          node.type === 'MemberExpression' && ['NODE_ENV', 'APP_ENV', 'ENVIRONMENT'].includes(memberName(node) ?? ''),
      );
    }

    /** A function that can neither throw nor return an error. */
    function acceptsAll(value: Node): boolean {
      if (!isFunction(value)) return value.type === 'Identifier' && value.name === 'undefined' ? false : isNoop(value);
      if (value.body.type !== 'BlockStatement') return isNothing(value.body);
      return [...below(code, value.body)].every(
        (node) =>
          node.type !== 'ThrowStatement' &&
          node.type !== 'CallExpression' &&
          (node.type !== 'ReturnStatement' || node.argument === null || isNothing(node.argument as Node)),
      );
    }
  },
);

function isOff(node: Node): boolean {
  if (node.type === 'Literal') return node.value === false || node.value === 0;
  if (node.type !== 'UnaryExpression' || node.operator !== '!') return false;
  const { argument } = node;
  return argument.type === 'Literal' && Boolean(argument.value);
}

function isNothing(node: Node): boolean {
  const value = unwrap(node);
  if (value.type === 'Literal') return value.value === null || value.value === true || value.value === false;
  if (value.type === 'UnaryExpression') return value.operator === 'void';
  return value.type === 'Identifier' && value.name === 'undefined';
}

/** lodash's `noop`, however it is called. */
function isNoop(node: Node): boolean {
  return node.type === 'Identifier' && /^_?noop$/i.test(node.name);
}

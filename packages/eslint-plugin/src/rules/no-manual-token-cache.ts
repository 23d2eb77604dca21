/** Tokens are kept and renewed by the token source, and nowhere else: every second place forgets to forget one. */
import type { SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { bindingOf, variableOf } from '../analysis/bindings.ts';
import { originOf } from '../analysis/origin.ts';
import { resolve } from '../analysis/resolve.ts';
import { below, isFunction, memberName, type Node, parentOf, unwrap } from '../analysis/syntax.ts';
import { defineRule } from '../rule.ts';

const TOKEN = /^(?:access_token|id_token)$/;
const OTHER_TOKEN = /^(?:accessToken|idToken)$/;
const LIFETIME = /^(?:expires_in|expires_at|expiresIn|expiresAt)$/;
/** Of Map, Redis, node-cache, lru-cache, keyv. */
const STORING: ReadonlySet<string> = new Set([
  'set',
  'setex',
  'setEx',
  'psetex',
  'put',
  'add',
  'hset',
  'hSet',
  'store',
]);
const NO_STORES: ReadonlySet<string> = new Set(['URLSearchParams()', 'Headers()', 'FormData()', 'URL()']);

export const noManualTokenCache = defineRule(
  {
    description: 'Refuse to keep and renew access tokens by hand (AUTH-13).',
    messages: {
      kept: 'AUTH-13: this keeps an access token by hand, with its own idea of when it ends, who waits for the next one, and what a 401 means. oauthClient() of @sidegate/sdk/client keeps one for each audience and set of scopes; let it.',
    },
  },
  (context) => {
    const { sourceCode: code } = context;
    let asksForTokens = false;
    const kept: { readonly node: Node; readonly certain: boolean }[] = [];
    const seen = new Set<Node | undefined>();
    const keep = (node: Node, value: Node): void => {
      const around = functionAround(node);
      const certain = holdsToken(code, value, TOKEN);
      // Under this name users log in as well.
      if (seen.has(around) || !(certain || holdsToken(code, value, OTHER_TOKEN))) return;
      seen.add(around);
      kept.push({ node, certain });
    };
    return {
      Literal(node) {
        if (typeof node.value === 'string' && node.value.includes('client_credentials')) asksForTokens = true;
      },
      TemplateElement(node) {
        if (node.value.raw.includes('client_credentials')) asksForTokens = true;
      },
      AssignmentExpression(node) {
        if (outlives(code, node.left)) keep(node, node.right);
      },
      CallExpression(node) {
        const callee = unwrap(node.callee);
        if (/clientCredential/i.test(originOf(code, callee) ?? '')) asksForTokens = true;
        if (callee.type !== 'MemberExpression' || !STORING.has(memberName(callee) ?? '')) return;
        const store = originOf(code, callee.object) ?? '';
        const owner = unwrap(callee.object);
        const ofRequest =
          owner.type === 'MemberExpression' &&
          /^(?:headers|searchParams|session|cookies)$/.test(memberName(owner) ?? '');
        if (NO_STORES.has(store) || ofRequest || node.arguments.length < 2) return;
        for (const argument of node.arguments) keep(node, argument);
      },
      'Program:exit'() {
        for (const { node, certain } of kept)
          if (asksForTokens || (certain && readsLifetime(code, functionAround(node))))
            context.report({ node, messageId: 'kept' });
      },
    };
  },
);

/** A field, or a variable that is there when the function has ended. */
function outlives(code: SourceCode, target: Node): boolean {
  let root = unwrap(target);
  while (root.type === 'MemberExpression') {
    if (/^(?:session|headers|cookies)$/.test(memberName(root) ?? '')) return false;
    root = unwrap(root.object);
  }
  if (root.type === 'ThisExpression') return true;
  if (root.type !== 'Identifier') return false;
  const binding = bindingOf(code, root);
  const declared = variableOf(code, root)?.defs[0]?.name as Node | undefined;
  if (declared === undefined || binding?.kind === 'parameter') return false;
  return functionAround(declared) !== functionAround(target);
}

/** `answer.access_token`, a name for it, an object or a text with it. */
function holdsToken(code: SourceCode, value: Node, name: RegExp): boolean {
  const node = resolve(code, value);
  return [...below(code, node)].some((each) => {
    if (each.type === 'MemberExpression') return name.test(memberName(each) ?? '');
    if (each.type !== 'Identifier' || isKey(each)) return false;
    const binding = bindingOf(code, each);
    if (binding?.kind !== 'value') return false;
    if (name.test(binding.path.at(-1) ?? '')) return true;
    const made = resolve(code, each);
    return made.type === 'MemberExpression' && name.test(memberName(made) ?? '');
  });
}

function isKey(node: ESTree.Identifier): boolean {
  const parent = parentOf(node);
  return (
    (parent?.type === 'Property' && parent.key === node && !parent.shorthand) || parent?.type === 'MemberExpression'
  );
}

function readsLifetime(code: SourceCode, around: Node | undefined): boolean {
  if (around === undefined) return false;
  return [...below(code, around)].some((each) => each.type === 'Identifier' && LIFETIME.test(each.name));
}

function functionAround(node: Node): Node | undefined {
  for (let next = parentOf(node); next !== undefined; next = parentOf(next)) if (isFunction(next)) return next;
  return undefined;
}

/** AUTH-13: a client asks for what one operation needs; a token that can do everything is everything that a thief needs. */
import type { SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { originOf } from '../analysis/origin.ts';
import { resolve } from '../analysis/resolve.ts';
import { memberOfShape, type Shape, shapeOf } from '../analysis/shape.ts';
import { memberName, type Node, nameOf, parentOf, unwrap } from '../analysis/syntax.ts';
import { knownTexts, textsOf } from '../analysis/text.ts';
import { defineRule, NAMES, optionsOf } from '../rule.ts';

interface Options {
  readonly allow: readonly string[];
}

const SCOPE = /^scopes?$/;
const BROAD =
  /^(?:\*|services?|all|any|full|full[_-]?access|everything|admin|root|superuser|.*[:./]\*|\*[:./].*|.*[:.](?:all|any))$/i;
/** What OpenID Connect calls scopes is about the user's data, not about operations. */
const OPENID: ReadonlySet<string> = new Set([
  'openid',
  'profile',
  'email',
  'address',
  'phone',
  'offline_access',
  'roles',
  'groups',
]);
/** Beside a scope, these make an object one about a client that asks for tokens. */
const CLIENT_MEMBERS = [
  'client_id',
  'clientid',
  'client_secret',
  'clientsecret',
  'token_endpoint',
  'tokenendpoint',
  'tokenurl',
  'token_url',
  'target',
  'credentials',
];
/** And these one about a user who logs in, or about a token that is made. */
const OTHER_MEMBERS = [
  'redirect_uri',
  'redirecturi',
  'redirect_uris',
  'callbackurl',
  'response_type',
  'responsetype',
  'code',
  'sub',
  'iss',
];
const ASKING =
  /^(?:clientCredentials|tokenExchange|clientCredentialsGrant|clientCredentialsGrantRequest|getToken|serviceClient|acquireTokenByClientCredential|ClientCredentials)$/;
const GUARD = 'requireServiceAuth';

export const noBroadScope = defineRule(
  {
    description: 'Refuse scopes that stand for everything, and several operations on one client (AUTH-13).',
    messages: {
      broad:
        'AUTH-13: the scope {{scope}} is good for every operation, and so is a stolen token. Ask for the one operation that this client calls, such as payment:charge.',
      several:
        'AUTH-13: one client asks for several operations ({{scope}}): a stolen token can do all of them. Make a client, with credentials of its own, for each.',
      guard:
        'AUTH-13: a route that asks for {{scope}} lets in whoever may do anything. Ask for the operation of the route.',
    },
    options: { properties: { allow: NAMES } },
  },
  (context) => {
    const { sourceCode: code } = context;
    const allowed = optionsOf<Options>(context).allow ?? [];
    const check = (node: Node, value: Node): void => {
      const words = wordsOf(code, value).filter((word) => !allowed.includes(word));
      const broad = words.find((word) => BROAD.test(word));
      if (broad !== undefined)
        return context.report({ node, messageId: 'broad', data: { scope: broad.replaceAll('\0', '…') } });
      const operations = words.filter((word) => !OPENID.has(word) && !word.endsWith('/.default'));
      if (new Set(operations).size > 1)
        context.report({ node, messageId: 'several', data: { scope: operations.join(' ').replaceAll('\0', '…') } });
    };
    return {
      Property(node) {
        const owner = parentOf(node);
        if (owner?.type !== 'ObjectExpression' || !SCOPE.test(nameOf(node.key, node.computed) ?? '')) return;
        if (asksForTokens(code, owner)) check(node, node.value);
      },
      CallExpression(node) {
        const callee = unwrap(node.callee);
        const name = calledName(callee);
        if (name === GUARD) checkGuard(node);
        const put =
          callee.type === 'MemberExpression' && (name === 'set' || name === 'append') ? callee.object : undefined;
        const [key, value] = node.arguments as readonly Node[];
        if (put === undefined || key === undefined || value === undefined) return;
        if (knownTexts(code, key).includes('scope') && isTokenForm(code, put)) check(node, value);
      },
    };

    function checkGuard(node: ESTree.CallExpression): void {
      const words = (node.arguments as readonly Node[]).flatMap((each) => wordsOf(code, each));
      const scope = words.find((word) => BROAD.test(word) && !allowed.includes(word));
      if (scope !== undefined) context.report({ node, messageId: 'guard', data: { scope } });
    }
  },
);

function asksForTokens(code: SourceCode, owner: ESTree.ObjectExpression): boolean {
  const shape = shapeOf(code, owner);
  const has = (names: readonly string[]): boolean => names.some((name) => memberOfShape(shape, name) !== undefined);
  if (has(OTHER_MEMBERS) || isOtherGrant(code, shape)) return false;
  if (memberOfShape(shape, 'grant_type') ?? memberOfShape(shape, 'granttype') ?? has(CLIENT_MEMBERS)) return true;
  const call = parentOf(owner);
  const asked = call?.type === 'CallExpression' || call?.type === 'NewExpression';
  return asked && ASKING.test(calledName(unwrap(call.callee)) ?? '');
}

/** A grant that has a user in it. */
function isOtherGrant(code: SourceCode, shape: Shape): boolean {
  const grant = memberOfShape(shape, 'grant_type') ?? memberOfShape(shape, 'granttype');
  const texts = grant === undefined ? [] : knownTexts(code, grant.value);
  return texts.length > 0 && texts.every((text) => text !== 'client_credentials' && !text.endsWith(':token-exchange'));
}

/** A form that asks for the service's own token: by its grant, or by the function that it is handed to. */
function isTokenForm(code: SourceCode, form: Node): boolean {
  const made = resolve(code, form);
  if (made.type !== 'NewExpression' || originOf(code, made) !== 'URLSearchParams()') return false;
  const shape = shapeOf(code, form);
  const grant = memberOfShape(shape, 'grant_type');
  if (grant !== undefined) return !isOtherGrant(code, shape);
  const name = unwrap(form);
  if (name.type !== 'Identifier') return false;
  const scope = code.getScope(form);
  const references = [...(scope.set.get(name.name)?.references ?? [])];
  return references.some(({ identifier }) => {
    const call = parentOf(identifier as Node);
    return call?.type === 'CallExpression' && ASKING.test(calledName(unwrap(call.callee)) ?? '');
  });
}

function calledName(callee: Node): string | undefined {
  if (callee.type === 'Identifier') return callee.name;
  return callee.type === 'MemberExpression' ? memberName(callee) : undefined;
}

/** The scopes in a text or a list of them; a hole stands as NUL. */
function wordsOf(code: SourceCode, value: Node): readonly string[] {
  const node = resolve(code, value);
  if (node.type === 'ArrayExpression')
    return node.elements.flatMap((each) => (each === null || each.type === 'SpreadElement' ? [] : wordsOf(code, each)));
  if (node.type === 'CallExpression' && calledName(unwrap(node.callee)) === 'join') {
    const { callee } = node;
    return callee.type === 'MemberExpression' ? wordsOf(code, callee.object) : [];
  }
  const texts = textsOf(code, node).map((text) =>
    text.map((piece) => (typeof piece === 'string' ? piece : '\0')).join(''),
  );
  return texts.flatMap((text) => text.split(/[\s,]+/)).filter((word) => word !== '' && !/^\0+$/.test(word));
}

/** Claims of a token whose signature nobody checked are what its sender wrote. */
import type { Scope, SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { bindingOf, variableOf } from '../analysis/bindings.ts';
import { originOf } from '../analysis/origin.ts';
import { resolve } from '../analysis/resolve.ts';
import { below, isFunction, memberName, type Node, parentOf, unwrap } from '../analysis/syntax.ts';
import { defineRule } from '../rule.ts';

const DECODERS =
  /^(?:jose\.(?:decodeJwt|UnsecuredJWT\.decode)|jsonwebtoken\.decode|jwt-decode(?:\.(?:jwtDecode|jwt_decode))?|jws\.decode|hono\/jwt\.decode|fast-jwt\.createDecoder\(\)|jwt-simple\.decode|@nestjs\/jwt:JwtService\.decode|fastify(?:\(\)|:FastifyInstance)\.jwt\.decode)$/;
const BASE64 = /^base64(?:url)?$/;
/** What stands around a text without changing what it is. */
const CONVERTERS: ReadonlySet<string> = new Set([
  'toString',
  'replace',
  'replaceAll',
  'padEnd',
  'trim',
  'decode',
  'decodeURIComponent',
  'escape',
  'String',
  'from',
]);

export const noUnverifiedJwtDecode = defineRule(
  {
    description: 'Refuse claims of tokens that nobody verified.',
    messages: {
      decoded:
        'These claims are what the sender wrote: nothing checked the signature of the token. Verify it (jwtVerify of jose, a verifier of @sidegate/sdk) and use the claims that come back.',
    },
  },
  (context) => {
    const { sourceCode: code } = context;
    return {
      CallExpression(node) {
        const [argument] = node.arguments as readonly Node[];
        if (argument === undefined) return;
        const callee = unwrap(node.callee);
        const handRolled =
          callee.type === 'MemberExpression' &&
          callee.object.type === 'Identifier' &&
          callee.object.name === 'JSON' &&
          memberName(callee) === 'parse';
        const token = handRolled ? decodedToken(code, argument) : argument;
        if (token === undefined || !(handRolled || DECODERS.test(originOf(code, callee) ?? ''))) return;
        if (!isVerifiedBeside(code, node, token)) context.report({ node, messageId: 'decoded' });
      },
    };
  },
);

/** The token whose second part a text is, decoded from base64. */
function decodedToken(code: SourceCode, text: Node): Node | undefined {
  let node = resolve(code, text);
  let decoded = false;
  for (let steps = 0; steps < 12; steps += 1) {
    const token = decoded ? tokenOfPart(code, node) : undefined;
    if (token !== undefined) return token;
    if (node.type !== 'CallExpression') return undefined;
    const callee = unwrap(node.callee);
    const name =
      callee.type === 'MemberExpression' ? memberName(callee) : callee.type === 'Identifier' ? callee.name : undefined;
    const [first, encoding] = node.arguments as readonly Node[];
    const encoded = encoding === undefined ? undefined : resolve(code, encoding);
    const isBuffer = name === 'from' && encoded?.type === 'Literal' && BASE64.test(String(encoded.value));
    if (isBuffer || name === 'atob' || name === 'decode') decoded = true;
    else if (!CONVERTERS.has(name ?? '')) return undefined;
    const ofObject = ['toString', 'replace', 'replaceAll', 'padEnd', 'trim'].includes(name ?? '');
    const next = ofObject && callee.type === 'MemberExpression' ? callee.object : first;
    if (next === undefined) return undefined;
    node = resolve(code, next);
  }
  return undefined;
}

/** `token.split('.')[1]`, or the second name of a pattern of it. */
function tokenOfPart(code: SourceCode, node: Node): Node | undefined {
  if (node.type === 'MemberExpression' && memberName(node) === '1') return splitToken(code, node.object);
  if (node.type === 'CallExpression' && node.callee.type === 'MemberExpression' && memberName(node.callee) === 'at')
    return splitToken(code, node.callee.object);
  if (node.type !== 'Identifier') return undefined;
  const binding = bindingOf(code, node);
  return binding?.kind === 'value' && binding.path.join('.') === '1' ? splitToken(code, binding.value) : undefined;
}

function splitToken(code: SourceCode, expression: Node): Node | undefined {
  const node = resolve(code, expression);
  if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return undefined;
  const [separator] = node.arguments;
  const splits = memberName(node.callee) === 'split' && separator?.type === 'Literal' && separator.value === '.';
  return splits ? node.callee.object : undefined;
}

/** Who looks at the issuer first, to know whose keys to ask, and then verifies the same token, believes nothing unchecked. */
function isVerifiedBeside(code: SourceCode, node: ESTree.CallExpression, token: Node): boolean {
  const wanted = variableIn(code, token);
  const around = enclosing(node);
  if (wanted === undefined || around === undefined) return false;
  return [...below(code, around)].some((each) => {
    if (each.type !== 'CallExpression' || each === node) return false;
    const callee = unwrap(each.callee);
    const name =
      callee.type === 'MemberExpression' ? memberName(callee) : callee.type === 'Identifier' ? callee.name : '';
    return /verify/i.test(name ?? '') && each.arguments.some((argument) => variableIn(code, argument) === wanted);
  });
}

function variableIn(code: SourceCode, expression: Node): Scope.Variable | undefined {
  const node = unwrap(expression);
  return node.type === 'Identifier' ? variableOf(code, node) : undefined;
}

function enclosing(node: Node): Node | undefined {
  for (let next = parentOf(node); next !== undefined; next = parentOf(next)) if (isFunction(next)) return next;
  return undefined;
}

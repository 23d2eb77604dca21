/** A token is for somebody: who verifies one says for whom it must be, who signs one says for whom it is. */
import type { SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { originOf } from '../analysis/origin.ts';
import { resolve } from '../analysis/resolve.ts';
import { memberOfShape, shapeOf } from '../analysis/shape.ts';
import { classOfThis, isFunction, memberName, type Node, unwrap } from '../analysis/syntax.ts';
import { defineRule } from '../rule.ts';

/** Origin → position of the options, and the name of the audience in them. */
const VERIFIERS: Readonly<Record<string, { readonly options: number; readonly name: string }>> = {
  'jose.jwtVerify': { options: 2, name: 'audience' },
  'jose.jwtDecrypt': { options: 2, name: 'audience' },
  'jsonwebtoken.verify': { options: 2, name: 'audience' },
  'express-jwt': { options: 0, name: 'audience' },
  'express-jwt.expressjwt': { options: 0, name: 'audience' },
  'koa-jwt': { options: 0, name: 'audience' },
  'passport-jwt.Strategy': { options: 0, name: 'audience' },
  'fast-jwt.createVerifier': { options: 0, name: 'allowedaud' },
};

export const requireAudience = defineRule(
  {
    description: 'Require an audience where tokens are verified and where they are signed.',
    messages: {
      verified:
        'This accepts tokens that were made for any other service: whoever receives one there can use it here. Name this service in `{{name}}`.',
      signed: 'This token is good at every service that trusts its key. Name the one that it is for: {{how}}.',
    },
  },
  (context) => {
    const { sourceCode: code } = context;
    const check = (node: ESTree.CallExpression | ESTree.NewExpression): void => {
      const given = node.arguments as readonly Node[];
      const origin = originOf(code, node.callee) ?? '';
      const verifier = VERIFIERS[origin] ?? passportStrategy(code, node);
      if (verifier !== undefined && lacks(code, given[verifier.options], [verifier.name])) {
        const name = verifier.name === 'allowedaud' ? 'allowedAud' : verifier.name;
        context.report({ node, messageId: 'verified', data: { name } });
      }
      if (origin === 'jsonwebtoken.sign' && lacks(code, given[0], ['aud']) && lacks(code, given[2], ['audience']))
        context.report({
          node,
          messageId: 'signed',
          data: { how: '`aud` in the claims, or `audience` in the options' },
        });
    };
    return {
      CallExpression(node) {
        check(node);
        if (signsWithoutAudience(code, node))
          context.report({ node, messageId: 'signed', data: { how: '`.setAudience(…)`' } });
        const [plugin, options] = node.arguments as readonly Node[];
        const registers = node.callee.type === 'MemberExpression' && memberName(node.callee) === 'register';
        if (!registers || plugin === undefined || originOf(code, plugin) !== '@fastify/jwt') return;
        const verify = options === undefined ? undefined : memberOfShape(shapeOf(code, options), 'verify');
        const seen = options === undefined || shapeOf(code, options).unseen.length === 0;
        if (seen && lacks(code, verify?.value, ['allowedaud']))
          context.report({ node, messageId: 'verified', data: { name: 'verify.allowedAud' } });
      },
      NewExpression: check,
    };
  },
);

/** Whether options are seen as a whole and have none of the names, or the member is nothing. */
function lacks(code: SourceCode, options: Node | undefined, names: readonly string[]): boolean {
  if (options === undefined) return true;
  const node = resolve(code, options);
  // A callback stands where the options would.
  if (isFunction(node)) return true;
  if (node.type === 'Literal' || node.type === 'TemplateLiteral') return true;
  const shape = shapeOf(code, options);
  if (shape.unseen.length > 0) return false;
  return names.every((name) => {
    const member = memberOfShape(shape, name);
    const value = member === undefined ? undefined : resolve(code, member.value);
    return value === undefined || (value.type === 'Identifier' && value.name === 'undefined');
  });
}

/** `super({ … })` in a class that extends Nest's `PassportStrategy(Strategy)`. */
function passportStrategy(code: SourceCode, node: ESTree.CallExpression | ESTree.NewExpression) {
  if ((node.callee as Node).type !== 'Super') return undefined;
  const base = classOfThis(node)?.superClass;
  const made = base === null || base === undefined ? undefined : unwrap(base);
  if (made?.type !== 'CallExpression' || originOf(code, made.callee) !== '@nestjs/passport.PassportStrategy')
    return undefined;
  const [strategy] = made.arguments;
  const origin = strategy === undefined ? undefined : originOf(code, strategy);
  return origin === undefined ? undefined : VERIFIERS[origin];
}

/** `new SignJWT(claims).set…().sign(key)` of jose, whose claims are seen. */
function signsWithoutAudience(code: SourceCode, node: ESTree.CallExpression): boolean {
  const callee = unwrap(node.callee);
  if (callee.type !== 'MemberExpression' || memberName(callee) !== 'sign') return false;
  let link = unwrap(callee.object);
  while (link.type === 'CallExpression') {
    const called = unwrap(link.callee);
    if (called.type !== 'MemberExpression' || memberName(called) === 'setAudience') return false;
    link = unwrap(called.object);
  }
  if (link.type !== 'NewExpression' || originOf(code, link) !== 'jose.SignJWT()') return false;
  const [claims] = link.arguments;
  return lacks(code, claims, ['aud']);
}

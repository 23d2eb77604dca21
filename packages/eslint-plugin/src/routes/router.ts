/** Which objects routes are registered with, and for which framework. */
import type { SourceCode } from 'eslint';
import { bindingOf, variableOf } from '../analysis/bindings.ts';
import { originOf, typeOf } from '../analysis/origin.ts';
import { resolve } from '../analysis/resolve.ts';
import { type FunctionNode, memberName, type Node, parameterName, parentOf, unwrap } from '../analysis/syntax.ts';

export type { Framework };

type Framework = 'express' | 'fastify' | 'hono' | 'koa';

/** Origins, with whatever is called on them: a chain is its first router. */
const ROUTERS: readonly (readonly [RegExp, Framework])[] = [
  [/^express(?:\(\)|\.Router\(\)|:(?:Router|IRouter|Express|Application|IRoute))(?:\.\w+\(\))*$/, 'express'],
  [/^(?:fastify(?:\.fastify)?\(\)|fastify:FastifyInstance)(?:\.\w+\(\))*$/, 'fastify'],
  [/^(?:hono\.Hono\(\)|hono:Hono|@hono\/zod-openapi\.OpenAPIHono\(\))(?:\.\w+\(\))*$/, 'hono'],
  [/^(?:@koa\/router|koa-router)(?:\(\)|\.Router\(\)|:(?:Router)?)(?:\.\w+\(\))*$/, 'koa'],
];

export function frameworkOf(code: SourceCode, receiver: Node): Framework | undefined {
  const origin = originOf(code, receiver);
  const found = origin === undefined ? undefined : ROUTERS.find(([pattern]) => pattern.test(origin))?.[1];
  if (found !== undefined) return found;
  const node = rootOf(code, receiver);
  const binding = node?.type === 'Identifier' ? bindingOf(code, node) : undefined;
  return binding?.kind === 'parameter' && isFastifyPlugin(code, binding.owner, binding.index) ? 'fastify' : undefined;
}

/** The variable that a chain of calls begins with, or what made it. */
export function rootOf(code: SourceCode, receiver: Node): Node | undefined {
  let node = resolveName(code, receiver);
  while (node.type === 'CallExpression' && node.callee.type === 'MemberExpression')
    node = resolveName(code, node.callee.object);
  return node;
}

/** A name stays one while another name may lead to the same router. */
function resolveName(code: SourceCode, node: Node): Node {
  const name = unwrap(node);
  if (name.type !== 'Identifier') return name.type === 'MemberExpression' ? resolve(code, name) : name;
  const binding = bindingOf(code, name);
  const value = binding?.kind === 'value' && binding.path.length === 0 ? unwrap(binding.value) : undefined;
  return value?.type === 'CallExpression' && value.callee.type === 'MemberExpression'
    ? resolveChain(name, value)
    : name;
}

/** `const chained = router.route('/x')` is the router's; `const router = express.Router()` is one itself. */
function resolveChain(name: Node, value: Node): Node {
  const method =
    value.type === 'CallExpression' && value.callee.type === 'MemberExpression' ? memberName(value.callee) : '';
  return method === 'route' || method === 'basePath' ? value : name;
}

/** The first parameter of a plugin: by its type, by where the function is registered, or by its name. */
function isFastifyPlugin(code: SourceCode, owner: FunctionNode, index: number): boolean {
  if (index !== 0) return false;
  const parent = parentOf(owner);
  if (parent?.type === 'VariableDeclarator' && typeOf(code, parent.id)?.startsWith('fastify:FastifyPlugin') === true)
    return true;
  if (parameterName(owner.params[0] ?? owner)?.name === 'fastify') return true;
  if (parent?.type === 'CallExpression') return isRegister(code, parent, owner);
  const declared =
    owner.type === 'FunctionDeclaration' ? owner.id : parent?.type === 'VariableDeclarator' ? parent.id : undefined;
  if (declared?.type !== 'Identifier') return false;
  const references = variableOf(code, declared)?.references ?? [];
  return references.some(({ identifier }) => {
    const call = parentOf(identifier as Node);
    return call?.type === 'CallExpression' && isRegister(code, call, identifier as Node);
  });
}

function isRegister(code: SourceCode, call: Node, plugin: Node): boolean {
  if (call.type !== 'CallExpression' || call.arguments[0] !== plugin) return false;
  const callee = unwrap(call.callee);
  if (callee.type !== 'MemberExpression' || memberName(callee) !== 'register') return false;
  return frameworkOf(code, callee.object) === 'fastify';
}

/**
 * Which library's value an expression is, as a path: `undici.request`, `axios.create()` for what that call answers, `fetch` for a
 * global, `fastify:FastifyInstance` for what is only declared to be one.
 */
import type { SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { bindingOf, variableOf } from './bindings.ts';
import { resolve } from './resolve.ts';
import { memberName, type Node, parameterName, unwrap } from './syntax.ts';

const MAXIMUM_STEPS = 24;

/** Undefined where it is none that a module or the platform gave. */
export function originOf(code: SourceCode, expression: Node, steps = MAXIMUM_STEPS): string | undefined {
  if (steps === 0) return undefined;
  const node = resolve(code, expression);
  switch (node.type) {
    case 'Identifier':
      return originOfName(code, node, steps - 1);
    case 'MemberExpression': {
      const [owner, name] = [originOf(code, node.object, steps - 1), memberName(node)];
      return owner === undefined || name === undefined ? undefined : joined(owner, name);
    }
    case 'CallExpression':
    case 'NewExpression': {
      const required = requiredModule(node);
      if (required !== undefined) return required;
      const called = originOf(code, node.callee, steps - 1);
      return called === undefined ? undefined : `${called}()`;
    }
    case 'ImportExpression':
      return node.source.type === 'Literal' ? moduleName(String(node.source.value)) : undefined;
    default:
      return undefined;
  }
}

function originOfName(code: SourceCode, node: ESTree.Identifier, steps: number): string | undefined {
  const binding = bindingOf(code, node);
  if (binding === undefined) return node.name === 'globalThis' ? '' : node.name;
  if (binding.kind === 'import') {
    const module = moduleName(binding.module);
    return binding.imported === undefined ? module : joined(module, binding.imported);
  }
  if (binding.kind === 'value') {
    const declared = declaredType(code, node);
    if (declared !== undefined) return declared;
    const owner = originOf(code, binding.value, steps);
    return owner === undefined ? undefined : binding.path.reduce(joined, owner);
  }
  return binding.kind === 'parameter' ? typeOf(code, parameterName(binding.parameter)) : undefined;
}

/** The type that a declaration of a name writes out, by the module that it was imported from. */
function declaredType(code: SourceCode, node: ESTree.Identifier): string | undefined {
  return typeOf(code, variableOf(code, node)?.defs[0]?.name);
}

interface Typed {
  readonly typeAnnotation?: { readonly typeAnnotation?: { readonly type: string; readonly typeName?: Node } };
}

export function typeOf(code: SourceCode, declared: Node | undefined): string | undefined {
  const annotation = (declared as Typed | undefined)?.typeAnnotation?.typeAnnotation;
  if (annotation?.type !== 'TSTypeReference' || annotation.typeName === undefined) return undefined;
  const name = annotation.typeName as Node | { type: 'TSQualifiedName'; left: Node; right: ESTree.Identifier };
  if (name.type === 'TSQualifiedName') {
    const binding = name.left.type === 'Identifier' ? bindingOf(code, name.left) : undefined;
    return binding?.kind === 'import' ? `${moduleName(binding.module)}:${name.right.name}` : undefined;
  }
  const binding = name.type === 'Identifier' ? bindingOf(code, name) : undefined;
  return binding?.kind === 'import' ? `${moduleName(binding.module)}:${binding.imported ?? ''}` : undefined;
}

/** `require('x')`. */
function requiredModule(node: ESTree.CallExpression | ESTree.NewExpression): string | undefined {
  const [source] = node.arguments;
  const callee = unwrap(node.callee);
  if (callee.type !== 'Identifier' || callee.name !== 'require' || source?.type !== 'Literal') return undefined;
  return typeof source.value === 'string' ? moduleName(source.value) : undefined;
}

function moduleName(module: string): string {
  return module.replace(/^node:/, '');
}

/** A default export and the module's own members are one thing, as they are for `require`. */
function joined(owner: string, name: string): string {
  if (name === 'default') return owner;
  return owner === '' ? name : `${owner}.${name}`;
}

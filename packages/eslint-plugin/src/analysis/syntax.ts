/** What the parsers of TypeScript put around the nodes of ESTree, taken off again, and the way up from a node. */
import type { Rule, SourceCode } from 'eslint';
import type * as ESTree from 'estree';

export type Node = ESTree.Node;
export type FunctionNode = ESTree.FunctionDeclaration | ESTree.FunctionExpression | ESTree.ArrowFunctionExpression;
export type ClassNode = ESTree.ClassDeclaration | ESTree.ClassExpression;

/** Nodes that only the types of a program need; each has its value in `expression`. */
const TRANSPARENT: ReadonlySet<string> = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'TSInstantiationExpression',
  'ChainExpression',
  'ParenthesizedExpression',
]);

/** The value below assertions, `!`, optional chains and parentheses. */
export function unwrap(node: Node): Node {
  let inner = node;
  while (TRANSPARENT.has(inner.type)) inner = (inner as unknown as { readonly expression: Node }).expression;
  return inner;
}

export function parentOf(node: Node): Node | undefined {
  return (node as Rule.Node).parent ?? undefined;
}

export function isFunction(node: Node): node is FunctionNode {
  return (
    node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression'
  );
}

export function isClass(node: Node): node is ClassNode {
  return node.type === 'ClassDeclaration' || node.type === 'ClassExpression';
}

/** The class whose instance `this` is at a node: functions that are no methods have their own `this`. */
export function classOfThis(node: Node): ClassNode | undefined {
  for (let next = parentOf(node); next !== undefined; next = parentOf(next)) {
    if (isClass(next)) return next;
    const owner = parentOf(next);
    const ownThis = next.type === 'FunctionDeclaration' || next.type === 'FunctionExpression';
    if (ownThis && owner?.type !== 'MethodDefinition' && owner?.type !== 'PropertyDefinition') return undefined;
  }
  return undefined;
}

/** The name that a member access or a property writes out: `a.b`, `a['b']`, `{ b: 1 }`, `a.#b`. */
export function nameOf(key: Node, computed: boolean): string | undefined {
  if (key.type === 'PrivateIdentifier') return `#${key.name}`;
  if (key.type === 'Identifier') return computed ? undefined : key.name;
  if (key.type === 'Literal') return String(key.value);
  if (key.type === 'TemplateLiteral' && key.expressions.length === 0) return key.quasis[0]?.value.cooked ?? undefined;
  return undefined;
}

export function memberName(node: ESTree.MemberExpression): string | undefined {
  return nameOf(node.property, node.computed);
}

/** Every node below one, itself included, in the order of the text. */
export function* below(code: SourceCode, node: Node): Generator<Node> {
  yield node;
  const children = node as unknown as Readonly<Record<string, unknown>>;
  for (const key of code.visitorKeys[node.type] ?? []) {
    for (const child of [children[key]].flat()) if (isNode(child)) yield* below(code, child);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** The identifier that a parameter binds, below its default and TypeScript's `private readonly`. */
export function parameterName(parameter: Node): ESTree.Identifier | undefined {
  const inner =
    (parameter.type as string) === 'TSParameterProperty'
      ? (parameter as unknown as { readonly parameter: Node }).parameter
      : parameter;
  const target = inner.type === 'AssignmentPattern' ? inner.left : inner;
  return target.type === 'Identifier' ? target : undefined;
}

/** What a parameter is when its caller leaves it out. */
export function parameterDefault(parameter: Node): Node | undefined {
  const inner =
    (parameter.type as string) === 'TSParameterProperty'
      ? (parameter as unknown as { readonly parameter: Node }).parameter
      : parameter;
  return inner.type === 'AssignmentPattern' ? inner.right : undefined;
}

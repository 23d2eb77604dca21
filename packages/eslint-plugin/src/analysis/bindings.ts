/** What a name stands for: the import, the value, the parameter or the declaration that it is bound to. */
import type { Scope, SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { type ClassNode, type FunctionNode, isFunction, type Node, nameOf, parameterName, parentOf } from './syntax.ts';

export type Binding =
  /** `imported` is undefined for a whole module. */
  | { readonly kind: 'import'; readonly module: string; readonly imported: string | undefined }
  /** Never assigned again. `path`: the members that a pattern takes out of `value`, the outermost first. */
  | { readonly kind: 'value'; readonly value: Node; readonly path: readonly string[]; readonly fallback?: Node }
  | { readonly kind: 'parameter'; readonly owner: FunctionNode; readonly index: number; readonly parameter: Node }
  | { readonly kind: 'declaration'; readonly node: FunctionNode | ClassNode }
  /** Assigned more than once, or taken out of something that cannot be followed. */
  | { readonly kind: 'unknown' };

const UNKNOWN: Binding = { kind: 'unknown' };

export function variableOf(code: SourceCode, identifier: ESTree.Identifier): Scope.Variable | undefined {
  for (let scope: Scope.Scope | null = code.getScope(identifier); scope !== null; scope = scope.upper) {
    const found = scope.set.get(identifier.name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Undefined for a global. */
export function bindingOf(code: SourceCode, identifier: ESTree.Identifier): Binding | undefined {
  const variable = variableOf(code, identifier);
  const definition = variable?.defs[0];
  if (variable === undefined || definition === undefined) return undefined;
  const node = definition.node as Node;
  if (node.type === 'ImportSpecifier') return imported(node, nameOf(node.imported, false));
  if (node.type === 'ImportDefaultSpecifier') return imported(node, 'default');
  if (node.type === 'ImportNamespaceSpecifier') return imported(node, undefined);
  if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration' || node.type === 'ClassExpression')
    return definition.type === 'Parameter'
      ? parameterBinding(node as FunctionNode, variable.name)
      : { kind: 'declaration', node };
  if (isFunction(node)) return parameterBinding(node, variable.name);
  if ((node.type as string) === 'TSImportEqualsDeclaration') return required(node);
  if (node.type === 'VariableDeclarator') return valueBinding(variable, node);
  return UNKNOWN;
}

function imported(node: Node, name: string | undefined): Binding {
  const declaration = parentOf(node);
  if (declaration?.type !== 'ImportDeclaration') return UNKNOWN;
  return { kind: 'import', module: String(declaration.source.value), imported: name };
}

/** `import http = require('node:http')`. */
function required(node: Node): Binding {
  const { moduleReference } = node as unknown as { readonly moduleReference: { readonly expression?: Node } };
  const source = moduleReference.expression;
  return source?.type === 'Literal' ? { kind: 'import', module: String(source.value), imported: undefined } : UNKNOWN;
}

function parameterBinding(owner: FunctionNode, name: string): Binding {
  const index = owner.params.findIndex((parameter) => parameterName(parameter)?.name === name);
  const parameter = owner.params[index];
  return parameter === undefined ? UNKNOWN : { kind: 'parameter', owner, index, parameter };
}

function valueBinding(variable: Scope.Variable, { id, init }: ESTree.VariableDeclarator): Binding {
  const writes = variable.references.filter((reference) => reference.isWrite());
  if (init === null || init === undefined) {
    // `let client; client = create();` has one value as well.
    const [only] = writes;
    if (writes.length !== 1 || !only?.writeExpr || id.type !== 'Identifier') return UNKNOWN;
    return { kind: 'value', value: only.writeExpr, path: [] };
  }
  if (writes.some((reference) => reference.init !== true)) return UNKNOWN;
  const taken = pathTo(id, variable.name);
  return taken === undefined ? UNKNOWN : { kind: 'value', value: init, ...taken };
}

/** The way from a pattern's value to a name in it: `{ a: { b } }` leads to `b` by a, b. */
function pathTo(pattern: Node, name: string): { path: string[]; fallback?: Node } | undefined {
  if (pattern.type === 'Identifier') return pattern.name === name ? { path: [] } : undefined;
  if (pattern.type === 'AssignmentPattern') {
    const found = pathTo(pattern.left, name);
    return found && { fallback: pattern.right, ...found };
  }
  if (pattern.type === 'ArrayPattern') {
    for (const [index, element] of pattern.elements.entries()) {
      const found = element === null ? undefined : pathTo(element, name);
      if (found !== undefined) return { ...found, path: [String(index), ...found.path] };
    }
    return undefined;
  }
  if (pattern.type !== 'ObjectPattern') return undefined;
  for (const property of pattern.properties) {
    if (property.type !== 'Property') continue;
    const key = nameOf(property.key, property.computed);
    const found = pathTo(property.value, name);
    if (found !== undefined && key !== undefined) return { ...found, path: [key, ...found.path] };
  }
  return undefined;
}

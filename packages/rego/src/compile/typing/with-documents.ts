/** What `with` does to the types of a literal: what it replaces has the new value's type, what depends on that any. */
import { ANY, type Type } from '../../builtins/type.ts';
import { type Expr, operatorName, type Ref, type Term } from '../../syntax/ast.ts';
import { primitiveKey } from '../../value/key.ts';
import { dependencies, dependentRules, reachable } from '../recursion.ts';
import { either } from './algebra.ts';
import { newTypeNode, putType, type TypeNode } from './document-types.ts';
import { innerScope, type Scope, typeOfRef, typeOfTerm } from './scope.ts';

/** The scope of a literal under its `with`; variables that it binds are known outside as well. */
export function withScope(scope: Scope, expr: Expr): Scope {
  let inner = scope;
  const replaced: { readonly target: Ref; readonly type: Type }[] = [];
  for (const { target, value, mock } of expr.with) {
    const isFunction = mock !== undefined;
    const uncertain = uncertainDocuments(scope, target, isFunction);
    if (uncertain !== undefined) inner = layer(inner, uncertain);
    if (!isFunction) replaced.push({ target, type: replacedType(inner, target, typeOfTerm(scope, value)) });
  }
  if (replaced.length === 0) return inner;
  // Last, so that what is replaced keeps its type whatever else is replaced.
  const documents = newTypeNode();
  for (const { target, type } of replaced) putType(documents, groundPath(target), type);
  return layer(inner, documents);
}

function layer(outer: Scope, documents: TypeNode): Scope {
  return { ...innerScope(outer.world, outer), vars: outer.vars, documents };
}

function replacedType(scope: Scope, target: Ref, value: Type): Type {
  if (value.kind === 'unknown' || target.path.some((part) => !isConstant(part))) return ANY;
  const type = typeOfRef(scope, target);
  if (type.kind === 'unknown') return ANY;
  const both = either(type, value);
  return both.kind === 'unknown' ? ANY : both;
}

function groundPath({ head, path }: Ref): string[] {
  const names = head.kind === 'var' ? [head.name] : [];
  const end = path.findIndex((part) => !isConstant(part));
  const ground = end === -1 ? path : path.slice(0, end);
  return [...names, ...ground.map((part) => (part.kind === 'scalar' ? (primitiveKey(part.value) as string) : ''))];
}

function isConstant(part: Term): boolean {
  return part.kind === 'scalar' && primitiveKey(part.value) !== undefined;
}

/** The rules that the target may mean and those that read them; a function itself keeps its type. */
function uncertainDocuments({ world }: Scope, target: Ref, isFunction: boolean): TypeNode | undefined {
  const { uncertain, c } = world;
  const name = operatorName(target);
  const key = `${isFunction}${name ?? target.location.text}`;
  if (uncertain.has(key)) return uncertain.get(key);
  const own = reachable(c.tree, target);
  const rules = own.length === 0 ? [] : dependentRules((world.reads ??= dependencies(c.tree)), own);
  const tree = newTypeNode();
  for (const { path, rule } of rules) {
    if (!isFunction || !own.some(({ rules: each }) => each.some((one) => one.rule === rule))) putType(tree, path, ANY);
  }
  const answer = tree.children.size === 0 ? undefined : tree;
  uncertain.set(key, answer);
  return answer;
}

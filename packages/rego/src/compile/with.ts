/** Pass: `with` replaces input, data or a function, and nothing else. */

import type { Expr } from '../syntax/ast.ts';
import { operatorName, type Ref, scalarTerm, type Term, type With } from '../syntax/ast.ts';
import { visitBody, visitRule } from '../syntax/walk.ts';
import { primitiveKey } from '../value/key.ts';
import { type Compilation, eachRule, report } from './context.ts';
import { functionArity } from './functions.ts';
import type { TreeNode, VirtualDocument } from './rule-tree.ts';

const FIXED: ReadonlySet<string> = new Set(['eq', 'rego.metadata.chain', 'rego.metadata.rule']);

export function checkWiths(c: Compilation): void {
  eachRule(c, (rule) => visitRule(rule, { expr: (expr) => checkExpr(c, expr) }));
}

export function checkQueryWiths(c: Compilation, body: readonly Expr[]): void {
  visitBody(body, { expr: (expr) => checkExpr(c, expr) });
}

function checkExpr(c: Compilation, expr: Expr): undefined {
  for (const modifier of expr.with) checkWith(c, modifier);
  return undefined;
}

function checkWith(c: Compilation, modifier: With): void {
  const { target, value } = modifier;
  const name = operatorName(target);
  if (name !== undefined && functionArity(c, name) !== undefined) {
    const refusal = irreplaceable(c, name);
    if (refusal !== undefined) return refuse(c, target, `with keyword replacing built-in function: ${refusal}`);
    const replacement = functionName(c, value);
    modifier.mock = { target: name, replacement };
    if (replacement !== undefined) modifier.value = scalarTerm(null, value.location);
    c.mockable.add(name);
    return;
  }
  const root = target.head.kind === 'var' ? target.head.name : '';
  if (root === 'data' && isInsideRule(c, target)) {
    refuse(c, target, 'with keyword cannot partially replace virtual document(s)');
  } else if (root === 'data') {
    for (const document of documentsBelow(c, target)) c.mockable.add(document.name);
  } else if (root !== 'input') {
    const message = 'with keyword target must reference existing input, data, or a function';
    report(c, 'rego_type_error', message, target.location);
  }
}

function refuse(c: Compilation, { location }: Ref, message: string): void {
  report(c, 'rego_compile_error', message, location);
}

/** Why a builtin cannot be replaced, if it is one and cannot. */
function irreplaceable(c: Compilation, name: string): string | undefined {
  const builtin = c.builtins.get(name);
  if (builtin === undefined) return undefined;
  if (FIXED.has(name)) return `replacement of "${name}" invalid`;
  if (name.startsWith('internal.')) return `replacement of internal function "${name}" invalid`;
  if (builtin.relation === true) return 'target must not be a relation';
  return builtin.result === undefined ? 'target must not be a void function' : undefined;
}

/** Whether rules stand somewhere above the end of the path. */
function isInsideRule(c: Compilation, { path }: Ref): boolean {
  let node = c.tree.root.children.get('data');
  for (const part of path.slice(0, -1)) {
    const key = part.kind === 'scalar' ? primitiveKey(part.value) : undefined;
    node = key === undefined ? undefined : node?.children.get(key);
    if (node === undefined) return false;
    if (node.rules.length > 0) return true;
  }
  return false;
}

/** The documents that a `with` on data replaces, or may replace. */
function documentsBelow(c: Compilation, { path }: Ref): readonly VirtualDocument[] {
  let node = c.tree.root.children.get('data');
  for (const part of path) {
    const key = part.kind === 'scalar' ? primitiveKey(part.value) : undefined;
    if (key === undefined) break;
    node = node?.children.get(key);
  }
  const collect = ({ document, children }: TreeNode): VirtualDocument[] => [
    ...(document === undefined ? [] : [document]),
    ...[...children.values()].flatMap(collect),
  ];
  return node === undefined ? [] : collect(node);
}

function functionName(c: Compilation, value: Term): string | undefined {
  const name = value.kind === 'ref' ? operatorName(value) : value.kind === 'var' ? value.name : undefined;
  return name !== undefined && functionArity(c, name) !== undefined ? name : undefined;
}

/** Pass: `with` replaces input, data or a function, and nothing else. */

import type { Expr } from '../syntax/ast.ts';
import { operatorName, scalarTerm, type Term, type With } from '../syntax/ast.ts';
import { visitBody, visitRule } from '../syntax/walk.ts';
import { type Compilation, eachRule, report } from './context.ts';
import { functionArity } from './functions.ts';

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
  const { target, value, location } = modifier;
  const name = operatorName(target);
  if (name !== undefined && functionArity(c, name) !== undefined) {
    const replacement = functionName(c, value);
    modifier.mock = { target: name, replacement };
    if (replacement !== undefined) modifier.value = scalarTerm(null, value.location);
    c.mockable.add(name);
    return;
  }
  const root = target.head.kind === 'var' ? target.head.name : '';
  if (root !== 'input' && root !== 'data') {
    report(c, 'rego_type_error', 'with keyword target must reference existing input, data, or a function', location);
  } else if (root === 'data' && target.path.length === 0) {
    report(c, 'rego_compile_error', 'with keyword cannot partially replace virtual document(s)', location);
  }
}

function functionName(c: Compilation, value: Term): string | undefined {
  const name = value.kind === 'ref' ? operatorName(value) : value.kind === 'var' ? value.name : undefined;
  return name !== undefined && functionArity(c, name) !== undefined ? name : undefined;
}

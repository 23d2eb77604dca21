/** Pass: a called function exists and gets as many arguments as it takes (and at most one more, for its result). */
import type { Expr } from '../syntax/ast.ts';
import { type CallExpr, isGeneratedName, operatorName } from '../syntax/ast.ts';
import { visitBody, visitRule } from '../syntax/walk.ts';
import { type Compilation, eachRule, report } from './context.ts';
import type { VirtualDocument } from './rule-tree.ts';

export function checkFunctions(c: Compilation): void {
  eachRule(c, (rule) => visitRule(rule, { expr: (expr) => checkExpr(c, expr) }));
}

export function checkQueryFunctions(c: Compilation, body: readonly Expr[]): void {
  visitBody(body, { expr: (expr) => checkExpr(c, expr) });
}

/** How many arguments a function takes, if it exists. */
export function functionArity(c: Compilation, name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  return c.builtins.get(name)?.args.length ?? findFunction(c, name)?.arity;
}

export function findFunction(c: Compilation, name: string): VirtualDocument | undefined {
  return c.tree.functions.get(name);
}

function checkExpr(c: Compilation, expr: Expr): undefined {
  if (expr.kind === 'call') checkCall(c, expr);
  return undefined;
}

function checkCall(c: Compilation, expr: CallExpr): void {
  const name = operatorName(expr.operator);
  const builtin = name === undefined ? undefined : c.builtins.get(name);
  const arity = functionArity(c, name);
  const shown = name === undefined || isGeneratedName(name) ? expr.operator.location.text : name;
  if (arity === undefined) {
    const reason = c.excluded.get(shown);
    const message = `undefined function ${shown}${reason === undefined ? '' : ` (${reason})`}`;
    report(c, 'rego_type_error', message, expr.location);
    return;
  }
  if (builtin?.variadic !== undefined) {
    if (expr.generated === true && builtin.result === undefined) {
      report(c, 'rego_type_error', `${expr.location.text} used as value`, expr.location);
    }
    return;
  }
  const given = expr.generated === true ? expr.args.length - 1 : expr.args.length;
  const extra = expr.generated === true || (builtin !== undefined && builtin.result === undefined) ? 0 : 1;
  // The equations of passes have no result.
  if ((name === 'eq' && expr.generated === true) || (given >= arity && given <= arity + extra)) return;
  const message =
    builtin === undefined
      ? `function ${shown} has arity ${arity}, got ${given} ${given === 1 ? 'argument' : 'arguments'}`
      : `${shown}: arity mismatch`;
  report(c, 'rego_type_error', message, expr.location);
}

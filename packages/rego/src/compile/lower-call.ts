/** Lowering of calls as literals: comparisons, relations, and what is made of a result. */
import { type CallExpr, operatorName } from '../syntax/ast.ts';
import type { Builder } from './builder.ts';
import { findFunction } from './functions.ts';
import type { Callee, Comparison } from './ir.ts';
import { lowerTerm } from './lower-term.ts';
import { lowerUnification, matchOperand } from './lower-unify.ts';

const COMPARISONS: ReadonlySet<string> = new Set(['neq', 'lt', 'lte', 'gt', 'gte']);

export function callee(b: Builder, name: string): Callee {
  const document = findFunction(b.c, name);
  return document === undefined ? { kind: 'builtin', name } : { kind: 'function', document };
}

/** A call whose arguments {@link settleLiteral} has evaluated. */
export function lowerCall(b: Builder, expr: CallExpr): void {
  const name = operatorName(expr.operator) ?? '';
  const [left, right] = expr.args;
  if (isUnification(b, name) && expr.args.length === 2 && left !== undefined && right !== undefined) {
    lowerUnification(b, left, right);
    return;
  }
  const builtin = b.c.builtins.get(name);
  const isVariadic = builtin?.variadic !== undefined;
  const arity = builtin?.args.length ?? findFunction(b.c, name)?.arity ?? expr.args.length;
  const inputs = isVariadic ? expr.args : expr.args.slice(0, arity);
  const args = inputs.map((arg) => lowerTerm(b, arg));
  const output = isVariadic ? undefined : expr.args[arity];
  const [first, second] = args;
  if (
    COMPARISONS.has(name) &&
    args.length === 2 &&
    output === undefined &&
    !b.c.mockable.has(name) &&
    first !== undefined &&
    second !== undefined
  ) {
    b.emit({ op: 'compare', by: name as Comparison, left: first, right: second });
    return;
  }
  const { context } = b;
  const value = b.define({ kind: 'call', callee: callee(b, name), args, context, location: expr.location });
  if (builtin?.relation === true) {
    const solution = b.scan(value, false).value;
    if (output !== undefined) matchOperand(b, output, solution);
    return;
  }
  if (output !== undefined) matchOperand(b, output, value);
  else if (builtin === undefined || builtin.result !== undefined) b.emit({ op: 'truthy', operand: value });
}

/** `==` is `=`, except that it may be replaced. */
function isUnification(b: Builder, name: string): boolean {
  return name === 'eq' || (name === 'equal' && !b.c.mockable.has(name));
}

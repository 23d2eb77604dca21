/**
 * Pass: `print(x)` may only mention variables that are bound before it. It becomes `internal.print([{y | y = x}])`, so
 * that an undefined operand does not end the body; when nobody listens it disappears.
 */
import { builtinRef, type CallExpr, type Expr, equation, scalarTerm, type Term } from '../syntax/ast.ts';
import { exprBodies, visitExpr } from '../syntax/walk.ts';
import { type Compilation, eachRule, isCalled, isOperator, localVar, report, writtenName } from './context.ts';
import { outputVars } from './output-vars.ts';
import { varsIn } from './variables.ts';

export function rewritePrints(c: Compilation): void {
  if (!isCalled(c, 'print')) return;
  eachRule(c, (rule) => {
    const safe = new Set(['data', 'input']);
    for (const arg of rule.head.args ?? []) for (const name of varsIn(arg)) safe.add(name);
    rewriteBody(c, rule.body, safe);
  });
}

export function rewriteQueryPrints(c: Compilation, body: Expr[]): void {
  rewriteBody(c, body, new Set(['data', 'input']));
}

function rewriteBody(c: Compilation, body: Expr[], outer: ReadonlySet<string>): void {
  const safe = new Set(outer);
  for (const [i, expr] of body.entries()) {
    rewriteClosures(c, expr, safe);
    if (expr.kind === 'call' && isOperator(expr, 'print')) body[i] = rewritePrint(c, expr, safe);
    else for (const name of outputVars(c, expr, safe)) safe.add(name);
  }
}

function rewriteClosures(c: Compilation, expr: Expr, safe: ReadonlySet<string>): void {
  const inner = new Set(safe);
  if (expr.kind === 'every') {
    inner.add(expr.value.name);
    if (expr.key !== undefined) inner.add(expr.key.name);
  }
  for (const body of exprBodies(expr)) rewriteBody(c, body, inner);
  visitExpr(expr, {
    expr: (each) => each === expr,
    term(term) {
      if (term.kind !== 'comprehension') return true;
      rewriteBody(c, term.body, safe);
      return false;
    },
  });
}

function rewritePrint(c: Compilation, expr: CallExpr, safe: ReadonlySet<string>): Expr {
  for (const arg of expr.args) {
    for (const name of varsIn(arg)) {
      if (!safe.has(name)) report(c, 'rego_compile_error', `var ${writtenName(c, name)} is undeclared`, arg.location);
    }
  }
  const { location } = expr;
  if (!c.printing) {
    return { kind: 'term', term: scalarTerm(true, location), negated: false, with: [], location, generated: true };
  }
  const items = expr.args.map((arg) => captured(c, arg));
  return { ...expr, operator: builtinRef('internal.print', location), args: [{ kind: 'array', items, location }] };
}

/** `{y | y = arg}`: empty when the argument is undefined. */
function captured(c: Compilation, arg: Term): Term {
  const { location } = arg;
  const value = localVar(c, location);
  return { kind: 'comprehension', of: 'set', key: undefined, value, body: [equation(value, arg, location)], location };
}

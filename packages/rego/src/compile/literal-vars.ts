/** Which variables a literal mentions, as the safety of its body sees them. */
import { type CallExpr, type Expr, operatorName, type Ref, type Term } from '../syntax/ast.ts';
import { visitBody, visitExpr } from '../syntax/walk.ts';
import type { Compilation } from './context.ts';
import { functionArity } from './functions.ts';
import { equationOutputs } from './output-vars.ts';
import { allVarsIn, type Names, patternVars, ROOTS, varsIn } from './variables.ts';

export function bodyVars(c: Compilation, body: readonly Expr[]): Set<string> {
  return new Set(body.flatMap((expr) => [...exprVars(c, expr)]));
}

/** Variables of a literal itself, and those of bodies without braces that must get their values outside. */
export function exprVars(c: Compilation, expr: Expr): Set<string> {
  const names = plainVars(expr);
  for (const body of implicitBodies(expr)) for (const name of neededOutside(c, body)) names.add(name);
  return names;
}

/** What closures and operators mention does not count. */
function plainVars(expr: Expr): Set<string> {
  const terms: Term[] = [];
  if (expr.kind === 'term') terms.push(expr.term);
  if (expr.kind === 'call') {
    terms.push(...expr.args, ...expr.operator.path);
    if (isLocalFunction(expr.operator)) terms.push(expr.operator.head);
  }
  if (expr.kind === 'every') terms.push(expr.domain);
  for (const { target, value } of expr.with) terms.push(...target.path, value);
  return new Set(terms.flatMap((term) => [...varsIn(term)]));
}

/** A local that is used as a function: never callable, so its own unsafe variable. */
function isLocalFunction({ head, path }: Ref): boolean {
  return head.kind === 'var' && head.name.startsWith('#') && path.length === 0;
}

function implicitBodies(expr: Expr): readonly (readonly Expr[])[] {
  if (expr.kind === 'not') return expr.implicit ? [expr.body] : [];
  if (expr.kind !== 'logic') return [];
  return [...(expr.implicitLeft ? [expr.left] : []), ...(expr.implicitRight ? [expr.right] : [])];
}

/** Of a literal and what was made of its parts: variables that no other part gives a value, or needs. */
function neededOutside(c: Compilation, body: readonly Expr[]): Set<string> {
  const uses = new Map<string, number>();
  for (const expr of body) for (const name of plainVars(expr)) uses.set(name, (uses.get(name) ?? 0) + 1);
  if (body.length === 1) return new Set(uses.keys());
  const bound = boundInside(c, body, new Set(uses.keys()));
  return new Set([...uses].filter(([name, count]) => !bound.has(name) || count === 1).map(([name]) => name));
}

function boundInside(c: Compilation, body: readonly Expr[], used: Names): Set<string> {
  const safe = new Set([...ROOTS, ...used]);
  const equations = body.filter((expr) => expr.kind === 'call' && operatorName(expr.operator) === 'eq') as CallExpr[];
  for (const { args } of equations) for (const side of args) if (side.kind === 'var') safe.delete(side.name);
  const bound = new Set<string>();
  for (let before = -1; before !== bound.size; ) {
    before = bound.size;
    for (const equation of equations) {
      for (const name of equationOutputs(equation, safe)) {
        bound.add(name);
        safe.add(name);
      }
    }
  }
  for (const expr of body) {
    if (expr.kind !== 'call' || equations.includes(expr)) continue;
    const arity = functionArity(c, operatorName(expr.operator));
    const outputs = arity === undefined ? [] : expr.args.slice(arity);
    for (const output of outputs) for (const name of patternVars(output)) bound.add(name);
  }
  return bound;
}

/** Variables that closures in a literal mention, from outside or not. */
export function closureVars(expr: Expr): Set<string> {
  const names = new Set<string>();
  const everything = {
    term(term: Term) {
      if (term.kind === 'var') names.add(term.name);
      return true;
    },
  };
  if (expr.kind === 'every' || expr.kind === 'not') visitBody(expr.body, everything);
  if (expr.kind === 'logic') visitBody([...expr.left, ...expr.right], everything);
  if (expr.kind === 'not' || expr.kind === 'logic') return names;
  visitExpr(expr, {
    expr: (each) => each === expr && each.kind !== 'every',
    term(term) {
      if (term.kind !== 'comprehension') return true;
      for (const name of allVarsIn(term)) names.add(name);
      return false;
    },
  });
  return names;
}

/**
 * Puts literals in an order in which each finds its variables bound. The order also is the order of evaluation: it
 * stays as it is written where it can.
 */
import { type Expr, type Term } from '../syntax/ast.ts';
import { visitExpr } from '../syntax/walk.ts';
import type { Compilation } from './context.ts';
import { bodyVars, closureVars, exprVars } from './literal-vars.ts';
import { bodyOutputs, outputVars } from './output-vars.ts';
import { allVarsIn, type Names } from './variables.ts';

/** Literals that cannot be evaluated, and the variables they miss. */
export type Unsafe = Map<Expr, Set<string>>;

/** Adds to `unsafe` what cannot be ordered; the body then stays as it is. */
export function reorder(c: Compilation, body: readonly Expr[], globals: Names, unsafe: Unsafe): Expr[] {
  const own: Unsafe = new Map();
  const ordered = order(c, body, globals, own);
  orderClosures(c, ordered, globals, own);
  for (const [expr, names] of own) unsafe.set(expr, names.union(unsafe.get(expr) ?? new Set()));
  return own.size === 0 ? ordered : [...body];
}

function order(c: Compilation, body: readonly Expr[], globals: Names, unsafe: Unsafe): Expr[] {
  const mentioned = body.map((expr) => exprVars(c, expr));
  const inBody = new Set(mentioned.flatMap((names) => [...names]));
  const safe = inBody.intersection(globals);
  for (const [i, expr] of body.entries()) {
    const missing = mentioned[i]?.difference(safe) ?? inBody;
    if (missing.size > 0) unsafe.set(expr, missing);
  }
  const ordered: Expr[] = [];
  const pending = new Set(body);
  for (let before = -1; before !== ordered.length; ) {
    before = ordered.length;
    for (const expr of pending) {
      const outputs = outputVars(c, expr, safe);
      const closed = closureVars(expr).intersection(inBody).difference(globals);
      const open = closed.size === 0 ? closed : closed.difference(bodyOutputs(c, ordered, safe));
      // A closure that needs what only its own literal binds.
      if (open.size > 0 && open.size === outputs.size && open.isSubsetOf(outputs)) continue;
      const missing = open
        .union(unsafe.get(expr) ?? new Set<string>())
        .difference(outputs)
        .difference(safe);
      if (missing.size > 0) {
        unsafe.set(expr, missing);
        continue;
      }
      unsafe.delete(expr);
      pending.delete(expr);
      ordered.push(expr);
      for (const name of outputs) safe.add(name);
    }
  }
  return ordered;
}

/** A closure sees what the literals before its own mention, and of `every` the key and the value. */
function orderClosures(c: Compilation, ordered: readonly Expr[], globals: Names, unsafe: Unsafe): void {
  const visible = new Set(globals);
  for (const expr of ordered) {
    checkClosures(c, expr, visible, unsafe);
    for (const name of exprVars(c, expr)) visible.add(name);
  }
}

export function checkClosures(c: Compilation, expr: Expr, visible: Set<string>, unsafe: Unsafe): void {
  switch (expr.kind) {
    case 'every':
      for (const own of [expr.key, expr.value]) if (own !== undefined) visible.add(own.name);
      expr.body = reorder(c, expr.body, visible, unsafe);
      return;
    case 'not':
      expr.body = reorder(c, expr.body, visible, unsafe);
      return;
    case 'logic':
      expr.left = reorder(c, expr.left, visible, unsafe);
      expr.right = reorder(c, expr.right, visible, unsafe);
      return;
    default:
  }
  visitExpr(expr, {
    term(term) {
      if (term.kind !== 'comprehension') return true;
      const known = bodyVars(c, term.body).union(visible);
      const heads: Term[] = term.key === undefined ? [term.value] : [term.key, term.value];
      for (const name of heads.flatMap((head) => [...allVarsIn(head)])) {
        if (!known.has(name)) unsafe.set(expr, (unsafe.get(expr) ?? new Set()).add(name));
      }
      term.body = reorder(c, term.body, visible, unsafe);
      return false;
    },
  });
}

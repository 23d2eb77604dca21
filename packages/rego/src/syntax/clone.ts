/** Copies of heads: `else` branches and chained bodies repeat a head, and passes rewrite each on its own. */
import type { Expr, Head, Ref, Term, Var, With } from './ast.ts';

export function cloneHead(head: Head): Head {
  return {
    ...head,
    ref: cloneRef(head.ref),
    args: head.args?.map(cloneTerm),
    key: head.key && cloneTerm(head.key),
    value: head.value && cloneTerm(head.value),
  };
}

export function cloneTerm(term: Term): Term {
  switch (term.kind) {
    case 'scalar':
      return term;
    case 'var':
      return cloneVar(term);
    case 'ref':
      return cloneRef(term);
    case 'array':
    case 'set':
      return { ...term, items: term.items.map(cloneTerm) };
    case 'object':
      return { ...term, entries: term.entries.map(([key, value]) => [cloneTerm(key), cloneTerm(value)]) };
    case 'call':
      return { ...term, operator: cloneRef(term.operator), args: term.args.map(cloneTerm) };
    default:
      return {
        ...term,
        key: term.key && cloneTerm(term.key),
        value: cloneTerm(term.value),
        body: term.body.map(cloneExpr),
      };
  }
}

function cloneVar(variable: Var): Var {
  return { ...variable };
}

function cloneRef(ref: Ref): Ref {
  return { ...ref, head: cloneTerm(ref.head), path: ref.path.map(cloneTerm) };
}

export function cloneExpr(expr: Expr): Expr {
  const modifiers: With[] = expr.with.map((each) => ({
    ...each,
    target: cloneRef(each.target),
    value: cloneTerm(each.value),
  }));
  switch (expr.kind) {
    case 'term':
      return { ...expr, with: modifiers, term: cloneTerm(expr.term) };
    case 'call':
      return { ...expr, with: modifiers, operator: cloneRef(expr.operator), args: expr.args.map(cloneTerm) };
    case 'some':
      return { ...expr, with: modifiers, vars: expr.vars.map(cloneVar) };
    case 'some-in': {
      const key = expr.key && cloneTerm(expr.key);
      return { ...expr, with: modifiers, key, value: cloneTerm(expr.value), domain: cloneTerm(expr.domain) };
    }
    case 'every':
      return { ...expr, with: modifiers, domain: cloneTerm(expr.domain), body: expr.body.map(cloneExpr) };
    case 'not':
      return { ...expr, with: modifiers, body: expr.body.map(cloneExpr) };
    default:
      return { ...expr, with: modifiers, left: expr.left.map(cloneExpr), right: expr.right.map(cloneExpr) };
  }
}

/**
 * Pass: calls inside terms become literals of their own that bind a fresh variable, before the literal that needs
 * them. They stand outside a `not`, as in OPA: `not f(g(x))` is undefined when `g(x)` is.
 */
import { type CallExpr, type Expr, equation, type Ref, refTerm, type Term, type With } from '../syntax/ast.ts';
import { inTermOrder } from '../syntax/term-order.ts';
import { mapChildTerms } from '../syntax/walk.ts';
import { type Compilation, eachRule, localVar } from './context.ts';
import { needsEvaluation } from './heads.ts';

export function hoistCalls(c: Compilation): void {
  eachRule(c, (rule) => {
    if (rule.isDefault) {
      if (rule.head.value !== undefined) rule.head.value = hoistTerm(c, rule.head.value, []);
      return;
    }
    rule.body = hoistBody(c, rule.body);
  });
}

export function hoistBody(c: Compilation, body: readonly Expr[]): Expr[] {
  const result: Expr[] = [];
  for (const expr of body) hoistExpr(c, expr, result);
  return result;
}

function hoistExpr(c: Compilation, expr: Expr, result: Expr[]): void {
  for (const modifier of expr.with) modifier.value = hoistTerm(c, modifier.value, result);
  for (const modifier of expr.with) modifier.value = asVariable(c, modifier.value, result);
  const support: Expr[] = [];
  const hoist = (term: Term): Term => hoistTerm(c, term, support);
  switch (expr.kind) {
    case 'term':
      expr.term = hoist(expr.term);
      break;
    case 'call':
      expr.args = expr.args.map(hoist);
      break;
    case 'every': {
      const domain = localVar(c, expr.domain.location);
      support.push(equation(domain, hoist(expr.domain), domain.location));
      expr.domain = domain;
      expr.body = hoistBody(c, expr.body);
      break;
    }
    case 'not':
      expr.body = hoistBody(c, expr.body);
      break;
    case 'logic':
      expr.left = hoistBody(c, expr.left);
      expr.right = hoistBody(c, expr.right);
      break;
    default:
  }
  for (const each of support) result.push(withAll(each, expr.with));
  result.push(expr);
}

function withAll(expr: Expr, modifiers: With[]): Expr {
  return modifiers.length === 0 ? expr : { ...expr, with: modifiers };
}

function hoistTerm(c: Compilation, term: Term, support: Expr[]): Term {
  switch (term.kind) {
    case 'call': {
      term.args = term.args.map((arg) => hoistTerm(c, arg, support));
      const output = localVar(c, term.location);
      support.push(callExpr(term.operator, [...term.args, output], term));
      return output;
    }
    case 'ref':
      return hoistRef(c, term, support);
    case 'comprehension': {
      const inner: Expr[] = [];
      // What a comprehension collects is evaluated as the end of its body, and may bind variables there.
      mapChildTerms(term, (child) => asVariable(c, hoistTerm(c, child, inner), inner));
      term.body = [...hoistBody(c, term.body), ...inner];
      return term;
    }
    case 'set':
      term.items = inTermOrder(term.items, (item) => item).map((item) => hoistTerm(c, item, support));
      return term;
    case 'object':
      term.entries = inTermOrder(term.entries, ([key]) => key).map(([key, value]) => [
        hoistTerm(c, key, support),
        hoistTerm(c, value, support),
      ]);
      return term;
    case 'array':
      term.items = term.items.map((item) => hoistTerm(c, item, support));
      return term;
    default:
      return term;
  }
}

function asVariable(c: Compilation, term: Term, support: Expr[]): Term {
  if (!needsEvaluation(term)) return term;
  const variable = localVar(c, term.location);
  support.push(equation(variable, term, term.location));
  return variable;
}

function hoistRef(c: Compilation, ref: Ref, support: Expr[]): Term {
  let head = hoistTerm(c, ref.head, support);
  const path = ref.path.map((part) => hoistTerm(c, part, support));
  if (head.kind !== 'var') {
    const variable = localVar(c, head.location);
    support.push(equation(variable, head, head.location));
    head = variable;
  }
  return refTerm(head, path, ref.location);
}

function callExpr(operator: Ref, args: Term[], { location }: Term): CallExpr {
  return { kind: 'call', operator, args, negated: false, with: [], location, generated: true };
}

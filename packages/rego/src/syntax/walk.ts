/** Visiting and rewriting syntax trees, so that each pass says only what it cares about. */
import type { Expr, Rule, Term } from './ast.ts';

/** Calls `visit` for a term and, unless that answers false, for the terms and literals inside it. */
export interface Visitor {
  readonly term?: (term: Term) => boolean | undefined;
  readonly expr?: (expr: Expr) => boolean | undefined;
}

export function visitTerm(term: Term, visitor: Visitor): void {
  if (visitor.term?.(term) === false) return;
  for (const child of childTerms(term)) visitTerm(child, visitor);
  if (term.kind === 'comprehension') visitBody(term.body, visitor);
}

export function visitBody(body: readonly Expr[], visitor: Visitor): void {
  for (const expr of body) visitExpr(expr, visitor);
}

export function visitExpr(expr: Expr, visitor: Visitor): void {
  if (visitor.expr?.(expr) === false) return;
  for (const term of exprTerms(expr)) visitTerm(term, visitor);
  for (const body of exprBodies(expr)) visitBody(body, visitor);
  for (const modifier of expr.with) {
    visitTerm(modifier.target, visitor);
    visitTerm(modifier.value, visitor);
  }
}

/** Everything in one rule but not in its `else`. */
export function visitRule(rule: Rule, visitor: Visitor): void {
  for (const term of headTerms(rule)) visitTerm(term, visitor);
  visitBody(rule.body, visitor);
}

/** A rule and its `else` chain. */
export function chain(rule: Rule): Rule[] {
  const rules: Rule[] = [];
  for (let next: Rule | undefined = rule; next !== undefined; next = next.else) rules.push(next);
  return rules;
}

export function headTerms({ head }: Rule): Term[] {
  const terms = [...head.ref.path, ...(head.args ?? [])];
  if (head.key !== undefined) terms.push(head.key);
  if (head.value !== undefined) terms.push(head.value);
  return terms;
}

/** Terms directly inside a term; a comprehension's own terms, not its body's. */
export function childTerms(term: Term): readonly Term[] {
  switch (term.kind) {
    case 'ref':
      return [term.head, ...term.path];
    case 'array':
    case 'set':
      return term.items;
    case 'object':
      return term.entries.flat();
    case 'call':
      return [term.operator, ...term.args];
    case 'comprehension':
      return term.key === undefined ? [term.value] : [term.key, term.value];
    default:
      return [];
  }
}

/** Terms directly inside a literal, without its `with`. */
export function exprTerms(expr: Expr): readonly Term[] {
  switch (expr.kind) {
    case 'term':
      return [expr.term];
    case 'call':
      return [expr.operator, ...expr.args];
    case 'some':
      return expr.vars;
    case 'some-in':
      return expr.key === undefined ? [expr.value, expr.domain] : [expr.key, expr.value, expr.domain];
    case 'every':
      return expr.key === undefined ? [expr.value, expr.domain] : [expr.key, expr.value, expr.domain];
    default:
      return [];
  }
}

/** Bodies inside a literal that are closures: `every`, `not { … }`, `and`, `or`. */
export function exprBodies(expr: Expr): readonly Expr[][] {
  switch (expr.kind) {
    case 'every':
    case 'not':
      return [expr.body];
    case 'logic':
      return [expr.left, expr.right];
    default:
      return [];
  }
}

/** Replaces the terms directly inside a term by what `rewrite` makes of them; bodies stay. */
export function mapChildTerms(term: Term, rewrite: (term: Term) => Term): void {
  switch (term.kind) {
    case 'ref':
      term.head = rewrite(term.head);
      term.path = term.path.map(rewrite);
      break;
    case 'array':
    case 'set':
      term.items = term.items.map(rewrite);
      break;
    case 'object':
      term.entries = term.entries.map(([key, value]) => [rewrite(key), rewrite(value)]);
      break;
    case 'call':
      term.args = term.args.map(rewrite);
      break;
    case 'comprehension':
      if (term.key !== undefined) term.key = rewrite(term.key);
      term.value = rewrite(term.value);
      break;
    default:
  }
}

/**
 * What a literal evaluates before itself, in OPA's order: refs and comprehensions that stand inside other terms. Each
 * becomes a variable that has its value. What decides only the literal itself stays: the sides of `=` and `==`.
 */
import { type CallExpr, type Expr, operatorName, type Term, varTerm } from '../syntax/ast.ts';
import { inTermOrder } from '../syntax/term-order.ts';
import type { Builder } from './builder.ts';
import { lowerTerm } from './lower-term.ts';

export function settleLiteral(b: Builder, expr: Expr): Expr {
  switch (expr.kind) {
    case 'term':
      return { ...expr, term: settleParts(b, expr.term) };
    case 'call':
      return { ...expr, args: expr.args.map((arg) => (isEquality(expr) ? settleParts(b, arg) : settle(b, arg))) };
    case 'every':
      return { ...expr, domain: settle(b, expr.domain) };
    default:
      return expr;
  }
}

/** All but the term itself. */
export function settleParts(b: Builder, term: Term): Term {
  if (term.kind === 'ref') return { ...term, path: term.path.map((part) => settle(b, part)) };
  return term.kind === 'comprehension' ? term : settle(b, term);
}

/** A term without refs and comprehensions. Variables that are not bound yet stay: the literal binds them. */
function settle(b: Builder, term: Term): Term {
  switch (term.kind) {
    case 'scalar':
    case 'var':
      return term;
    case 'array':
      return { ...term, items: term.items.map((item) => settle(b, item)) };
    case 'set':
      return { ...term, items: inTermOrder(term.items, (item) => item).map((item) => settle(b, item)) };
    case 'object':
      return {
        ...term,
        entries: inTermOrder(term.entries, ([key]) => key).map(([key, value]) => [settle(b, key), settle(b, value)]),
      };
    default: {
      const variable = varTerm(`#${term.kind}${b.local()}`, term.location);
      b.vars.set(variable.name, lowerTerm(b, settleParts(b, term)));
      return variable;
    }
  }
}

function isEquality(expr: CallExpr): boolean {
  const name = operatorName(expr.operator);
  return name === 'eq' || (name === 'equal' && expr.inQuery !== true);
}

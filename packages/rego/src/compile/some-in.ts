/** `some k, v in xs` is `v = xs[k]` with fresh k and v. */
import { type Expr, equation, isWildcard, refTerm, type SomeInExpr, type Term } from '../syntax/ast.ts';
import { childTerms, visitTerm } from '../syntax/walk.ts';
import { localVar, report } from './context.ts';
import { declare, type Scope } from './local-scope.ts';
import { rewriteTerm, rewriteWiths } from './locals.ts';

export function rewriteSomeIn(scope: Scope, expr: SomeInExpr, result: Expr[]): void {
  const { location } = expr;
  let key: Term = expr.key ?? localVar(scope.c, location);
  const members = expr.key === undefined ? [expr.value] : [expr.key, expr.value];
  const bound = new Set(members.flatMap((term) => [...patternNames(term)]));
  const clashes = [...bound.intersection(namesOutsideClosures(expr.domain))].filter((name) => !isWildcard(name));
  for (const name of clashes.toSorted()) {
    report(scope.c, 'rego_compile_error', `var ${name} assigned before`, location);
  }
  if (clashes.length > 0) return;
  for (const name of [...declaredNames(expr)].toSorted()) {
    const variable = { kind: 'var', name, location } as const;
    if (declare(scope, variable, 'declared') === variable) return;
  }
  if (expr.key !== undefined) key = rewriteTerm(scope, key);
  const value = rewriteTerm(scope, expr.value);
  const domain = rewriteTerm(scope, expr.domain);
  rewriteWiths(scope, expr);
  const [head, path] = domain.kind === 'ref' ? [domain.head, domain.path] : [domain, []];
  const element = refTerm(head, [...path, key], location);
  result.push({ ...equation(value, element, location), with: expr.with, generated: false });
}

/** Everything in the key, and what a pattern of the value binds. */
function declaredNames({ key, value }: SomeInExpr): Set<string> {
  const names = patternNames(value, 'binding');
  if (key !== undefined) for (const name of namesInBrackets(key)) names.add(name);
  return names;
}

/** Names in places where a value could bind them: not in heads of refs, keys of objects and closures. */
function patternNames(pattern: Term, places: 'all' | 'binding' = 'all'): Set<string> {
  const names = new Set<string>();
  visitTerm(pattern, {
    term(term) {
      if (term.kind === 'var') names.add(term.name);
      if (term.kind === 'comprehension') return false;
      if (term.kind !== 'object' && term.kind !== 'ref') return places === 'all' || term.kind !== 'set';
      const inside = term.kind === 'object' ? term.entries.map(([, value]) => value) : term.path;
      for (const part of inside) for (const name of patternNames(part, places)) names.add(name);
      return false;
    },
  });
  return names;
}

/** Of a key, which stands in the brackets of a ref: neither heads of refs nor names of functions. */
function namesInBrackets(key: Term): Set<string> {
  if (key.kind === 'var') return new Set([key.name]);
  if (key.kind === 'comprehension') return new Set();
  const parts = key.kind === 'ref' ? key.path : key.kind === 'call' ? key.args : childTerms(key);
  return new Set(parts.flatMap((part) => [...namesInBrackets(part)]));
}

function namesOutsideClosures(term: Term): Set<string> {
  if (term.kind === 'var') return new Set([term.name]);
  if (term.kind === 'comprehension') return new Set();
  return new Set(childTerms(term).flatMap((child) => [...namesOutsideClosures(child)]));
}

/** Pass, under `strict`: what a body assigns and what a function takes is used. Runs while names are the author's. */
import type { CallExpr, Comprehension, Expr, Rule, Term } from '../syntax/ast.ts';
import type { Location } from '../syntax/location.ts';
import { chain, exprBodies, headTerms, visitTerm } from '../syntax/walk.ts';
import { type Compilation, declaredVars, isOperator, patternVars, remark } from './context.ts';

/** Names of one body or argument list, those that were used, and where the assigned ones stand. */
interface Frame {
  readonly names: ReadonlySet<string>;
  readonly used: Set<string>;
  readonly assigned: ReadonlyMap<string, Location>;
}

export function checkUnused(c: Compilation): void {
  if (!c.strict) return;
  for (const { rules } of c.modules) for (const rule of rules) if (!rule.isDefault) checkRule(c, rule);
}

function checkRule(c: Compilation, rule: Rule): void {
  const args = new Set<string>();
  for (const arg of rule.head.args ?? [])
    visitTerm(arg, { term: (term) => void (term.kind === 'var' && args.add(term.name)) });
  const own: Frame = { names: args, used: new Set(), assigned: new Map() };
  for (const each of chain(rule)) {
    checkBody(c, each.body, [own], (frames) => {
      const taken: readonly Term[] = each.head.args ?? [];
      for (const term of headTerms(each)) if (!taken.includes(term)) use(c, frames, term);
    });
  }
  for (const name of args) {
    if (own.used.has(name) || name.startsWith('$')) continue;
    const message = `unused argument ${name}. (hint: use _ (wildcard variable) instead)`;
    remark(c, message, rule.head.location);
  }
}

/** Reports what a body assigns and neither it nor what follows, as a head, mentions. */
function checkBody(
  c: Compilation,
  body: readonly Expr[],
  outer: readonly Frame[],
  follow?: (frames: readonly Frame[]) => void,
): void {
  const frame: Frame = { names: declaredVars(body), used: new Set(), assigned: assignments(body) };
  const frames = [...outer, frame];
  for (const expr of body) useExpr(c, frames, expr);
  follow?.(frames);
  for (const [name, location] of frame.assigned) {
    if (!frame.used.has(name) && !name.startsWith('$')) {
      remark(c, `assigned var ${name} unused`, location);
    }
  }
}

function assignments(body: readonly Expr[]): Map<string, Location> {
  const found = new Map<string, Location>();
  /** Refused as such by the pass that declares. */
  const twice = new Set<string>();
  for (const expr of body) {
    if (!isAssignment(expr)) continue;
    const names = new Set<string>();
    if (expr.args[0] !== undefined) patternVars(expr.args[0], names);
    for (const name of names) {
      if (found.has(name)) twice.add(name);
      else found.set(name, expr.location);
    }
  }
  for (const name of twice) found.delete(name);
  return found;
}

function isAssignment(expr: Expr): expr is CallExpr {
  return expr.kind === 'call' && isOperator(expr, 'assign');
}

function useExpr(c: Compilation, frames: readonly Frame[], expr: Expr): void {
  for (const { target, value } of expr.with) for (const term of [target, value]) use(c, frames, term);
  if (expr.kind === 'term') use(c, frames, expr.term);
  if (expr.kind === 'some-in') {
    for (const term of [expr.key, expr.value]) if (term !== undefined) usePattern(c, frames, term);
    use(c, frames, expr.domain);
  }
  if (expr.kind === 'call') {
    use(c, frames, expr.operator);
    const [pattern, ...rest] = expr.args;
    if (isAssignment(expr) && pattern !== undefined) usePattern(c, frames, pattern);
    else if (pattern !== undefined) use(c, frames, pattern);
    for (const term of rest) use(c, frames, term);
  }
  if (expr.kind === 'every') {
    use(c, frames, expr.domain);
    const names = new Set([expr.value.name, ...(expr.key === undefined ? [] : [expr.key.name])]);
    return checkBody(c, expr.body, [...frames, { names, used: new Set(), assigned: new Map() }]);
  }
  for (const body of exprBodies(expr)) checkBody(c, body, frames);
}

/** The keys of an object pattern are used, its values are declared. */
function usePattern(c: Compilation, frames: readonly Frame[], term: Term): void {
  if (term.kind === 'array') for (const item of term.items) usePattern(c, frames, item);
  else if (term.kind === 'object') {
    for (const [key, value] of term.entries) {
      use(c, frames, key);
      usePattern(c, frames, value);
    }
  } else if (term.kind !== 'var') use(c, frames, term);
}

function use(c: Compilation, frames: readonly Frame[], term: Term): void {
  visitTerm(term, {
    term(each) {
      if (each.kind === 'var') frames.findLast(({ names }) => names.has(each.name))?.used.add(each.name);
      if (each.kind !== 'comprehension') return true;
      useComprehension(c, frames, each);
      return false;
    },
  });
}

function useComprehension(c: Compilation, frames: readonly Frame[], { key, value, body }: Comprehension): void {
  checkBody(c, body, frames, (inner) => {
    for (const term of key === undefined ? [value] : [key, value]) use(c, inner, term);
  });
}

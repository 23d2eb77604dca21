/**
 * Pass: every variable must get its value from somewhere. Literals are put in an order in which each finds its
 * variables bound; what cannot be ordered is unsafe. The order also is the order of evaluation.
 */
import {
  type Expr,
  isGeneratedName,
  isTemporary,
  operatorName,
  type Ref,
  type Rule,
  type Term,
} from '../syntax/ast.ts';
import { compareLocations, type Location } from '../syntax/location.ts';
import { chain, visitExpr, visitTerm } from '../syntax/walk.ts';
import { type Compilation, eachRule, report, writtenName } from './context.ts';
import { functionArity } from './functions.ts';
import { isKnown, unifiedVars } from './unify.ts';

const ROOTS: readonly string[] = ['data', 'input'];
const V0_KEYWORDS: ReadonlySet<string> = new Set(['contains', 'every', 'if', 'in']);

type Names = ReadonlySet<string>;
/** Literals that cannot be evaluated, and the variables they miss. */
type Unsafe = Map<Expr, Set<string>>;

export function checkSafety(c: Compilation): void {
  eachRule(c, (rule) => {
    if (rule.isDefault) checkDefault(c, rule);
    else checkRule(c, rule);
  });
}

/** Orders a query's literals and reports what is unsafe in it. */
export function checkQuerySafety(c: Compilation, body: Expr[]): Expr[] {
  const unsafe: Unsafe = new Map();
  const ordered = reorder(c, body, new Set(ROOTS), unsafe);
  reportUnsafe(c, unsafe, () => '');
  return ordered;
}

function checkRule(c: Compilation, rule: Rule): void {
  const { head } = rule;
  const globals = new Set<string>(ROOTS);
  for (const arg of head.args ?? []) for (const name of varsIn(arg)) globals.add(name);
  const unsafe: Unsafe = new Map();
  const suffix = (): string => ruleOnSharedLine(c, rule);
  checkArguments(c, head.args ?? [], unsafe, suffix);
  const safe = new Set([...globals, ...bodyVars(rule.body)]);
  for (const term of [...head.ref.path, head.key, head.value]) {
    if (term === undefined) continue;
    visitTerm(term, {
      term(each) {
        if (each.kind === 'var' && !safe.has(each.name)) reportVar(c, each.name, each.location, suffix);
        return each.kind !== 'comprehension';
      },
    });
  }
  rule.body = reorder(c, rule.body, globals, unsafe);
  reportUnsafe(c, unsafe, suffix);
}

/** A default has no body, but its value may be a comprehension. */
function checkDefault(c: Compilation, { head: { value } }: Rule): void {
  if (value === undefined) return;
  const unsafe: Unsafe = new Map();
  checkClosures(c, asLiteral(value), new Set(ROOTS), unsafe);
  reportUnsafe(c, unsafe, () => '');
}

/** Arguments are patterns: nothing is looked up in them, and comprehensions in them see no other argument. */
function checkArguments(c: Compilation, args: readonly Term[], unsafe: Unsafe, suffix: () => string): void {
  for (const arg of args) {
    visitTerm(arg, {
      term(each) {
        if (each.kind !== 'ref') return each.kind !== 'comprehension';
        reportVar(c, each.head.location.text, each.location, suffix);
        return false;
      },
    });
    checkClosures(c, asLiteral(arg), new Set(ROOTS), unsafe);
  }
}

function asLiteral(term: Term): Expr {
  return { kind: 'term', term, negated: false, with: [], location: term.location };
}

/** When a rule of another name stands on the line where this one begins, the message says which one it means. */
function ruleOnSharedLine(c: Compilation, rule: Rule): string {
  const module = c.modules.find((each) => each.rules.some((top) => chain(top).includes(rule)));
  const { row } = rule.location;
  const names = new Set<string>();
  for (const other of module?.rules ?? []) {
    const first = other.location.row;
    const last = first + other.location.text.split('\n').length - 1;
    if (first <= row && row <= last) names.add(ruleName(other));
  }
  return names.size > 1 ? ` in rule ${ruleName(rule)}` : '';
}

function ruleName({ head }: Rule): string {
  return operatorName(head.ref) ?? head.ref.location.text;
}

function bodyVars(body: readonly Expr[]): Set<string> {
  const names = new Set<string>();
  for (const expr of body) for (const name of exprVars(expr)) names.add(name);
  return names;
}

/** Variables of a literal itself; what closures and operators mention does not count. */
function exprVars(expr: Expr): Set<string> {
  const names = new Set<string>();
  const add = (term: Term): void => {
    for (const name of varsIn(term)) names.add(name);
  };
  if (expr.kind === 'term') add(expr.term);
  if (expr.kind === 'call') {
    for (const arg of expr.args) add(arg);
    if (operatorVar(expr.operator) !== undefined) add(expr.operator);
  }
  if (expr.kind === 'every') add(expr.domain);
  for (const body of implicitBodies(expr)) {
    for (const inner of body) for (const name of exprVars(inner)) if (!isTemporary(name)) names.add(name);
  }
  for (const modifier of expr.with) {
    for (const part of modifier.target.path) add(part);
    add(modifier.value);
  }
  return names;
}

/** Bodies without braces, whose variables must get their values outside. */
function implicitBodies(expr: Expr): readonly (readonly Expr[])[] {
  if (expr.kind === 'not') return expr.implicit ? [expr.body] : [];
  if (expr.kind !== 'logic') return [];
  return [...(expr.implicitLeft ? [expr.left] : []), ...(expr.implicitRight ? [expr.right] : [])];
}

/** A local that is used as a function: never callable, so its own unsafe variable. */
function operatorVar({ head, path }: Ref): string | undefined {
  return head.kind === 'var' && head.name.startsWith('#') && path.length === 0 ? head.name : undefined;
}

/** Variables of a term, outside closures. */
export function varsIn(term: Term): Set<string> {
  const names = new Set<string>();
  visitTerm(term, {
    term(each) {
      if (each.kind === 'var') names.add(each.name);
      return each.kind !== 'comprehension';
    },
  });
  return names;
}

function reorder(c: Compilation, body: readonly Expr[], globals: Names, unsafe: Unsafe): Expr[] {
  const names = bodyVars(body);
  const safe = new Set(globals);
  const missing: Unsafe = new Map();
  for (const expr of body) {
    const needed = [...exprVars(expr)].filter((name) => !globals.has(name));
    if (needed.length > 0) missing.set(expr, new Set(needed));
  }
  const ordered: Expr[] = [];
  const pending = new Set(body);
  for (let before = -1; before !== ordered.length; ) {
    before = ordered.length;
    for (const expr of pending) {
      const outputs = outputVars(c, expr, safe);
      const closed = [...closureVars(expr)].filter((name) => names.has(name) && !globals.has(name) && !safe.has(name));
      const needs = new Set(missing.get(expr));
      for (const name of needs) if (outputs.has(name) || safe.has(name)) needs.delete(name);
      for (const name of closed) needs.add(name);
      if (needs.size > 0) {
        missing.set(expr, needs);
        continue;
      }
      missing.delete(expr);
      pending.delete(expr);
      ordered.push(expr);
      for (const name of outputs) safe.add(name);
    }
  }
  for (const [expr, needs] of missing) unsafe.set(expr, needs);
  const visible = new Set(globals);
  for (const expr of ordered) {
    checkClosures(c, expr, visible, unsafe);
    for (const name of exprVars(expr)) visible.add(name);
  }
  return [...ordered, ...pending];
}

/** Variables that a literal binds when `safe` are bound. */
export function outputVars(c: Compilation, expr: Expr, safe: Names): Set<string> {
  const none = new Set<string>();
  if (expr.negated) return none;
  for (const modifier of expr.with) {
    if (!isKnown(modifier.value, safe) || !modifier.target.path.every((part) => isKnown(part, safe))) return none;
  }
  switch (expr.kind) {
    case 'term':
      return refOutputs([expr.term], safe);
    case 'every':
      return refOutputs([expr.domain], safe);
    case 'call': {
      const name = operatorName(expr.operator);
      const [left, right] = expr.args;
      if ((name === 'eq' || name === 'equal') && left !== undefined && right !== undefined && expr.args.length === 2) {
        if (name === 'equal') return refOutputs(expr.args, safe);
        const outputs = refOutputs(expr.args, safe);
        for (const each of unifiedVars(left, right, new Set([...safe, ...outputs]))) outputs.add(each);
        return outputs;
      }
      if (name === 'eq') return none;
      if (c.builtins.get(name ?? '')?.variadic !== undefined) return refOutputs(expr.args, safe);
      return callOutputs(expr.args, functionArity(c, name), safe);
    }
    default:
      return none;
  }
}

function callOutputs(args: readonly Term[], arity: number | undefined, safe: Names): Set<string> {
  const outputs = refOutputs(args, safe);
  if (arity === undefined || args.length > arity + 1) {
    // An unknown function or a wrong arity is reported as such; what it would have bound is not reported again.
    for (const arg of args) for (const name of patternNames(arg)) if (!safe.has(name)) outputs.add(name);
    return outputs;
  }
  const result = args[arity];
  if (result === undefined) return outputs;
  const known = new Set([...safe, ...outputs]);
  if (!args.slice(0, arity).every((arg) => isKnown(arg, known))) return new Set();
  for (const name of patternNames(result)) if (!safe.has(name)) outputs.add(name);
  return outputs;
}

function patternNames(term: Term): Set<string> {
  const names = new Set<string>();
  visitTerm(term, {
    term(each) {
      if (each.kind === 'var') names.add(each.name);
      return each.kind === 'var' || each.kind === 'array' || each.kind === 'object';
    },
  });
  return names;
}

/** Variables in the brackets of refs whose head is known: iterating binds them. */
function refOutputs(terms: readonly Term[], safe: Names): Set<string> {
  const outputs = new Set<string>();
  for (const term of terms) {
    visitTerm(term, {
      term(each) {
        if (each.kind === 'comprehension') return false;
        if (each.kind !== 'ref') return true;
        if (each.head.kind === 'var' && !safe.has(each.head.name)) return false;
        for (const part of each.path) {
          for (const name of part.kind === 'ref' ? [] : patternNames(part)) if (!safe.has(name)) outputs.add(name);
        }
        return true;
      },
    });
  }
  return outputs;
}

/** Variables that closures in a literal mention from outside. */
function closureVars(expr: Expr): Set<string> {
  const names = new Set<string>();
  const all = (term: Term): boolean => {
    if (term.kind === 'var') names.add(term.name);
    return true;
  };
  const inside = { term: all };
  const enter = (term: Term): boolean => {
    if (term.kind !== 'comprehension') return true;
    visitTerm(term, inside);
    return false;
  };
  if (expr.kind === 'every' || expr.kind === 'not' || expr.kind === 'logic') {
    visitExpr(expr, inside);
    if (expr.kind === 'every') {
      for (const name of exprVars(expr)) names.delete(name);
      names.delete(expr.value.name);
      if (expr.key !== undefined) names.delete(expr.key.name);
    }
  } else {
    visitExpr(expr, { term: enter });
  }
  return names;
}

function checkClosures(c: Compilation, expr: Expr, globals: Names, unsafe: Unsafe): void {
  const add = (name: string): void => {
    const known = unsafe.get(expr) ?? new Set<string>();
    unsafe.set(expr, known.add(name));
  };
  const visible = new Set([...globals, ...exprVars(expr)]);
  visitExpr(expr, {
    expr(each) {
      if (each === expr) {
        if (each.kind === 'every') {
          const own = new Set([...visible, each.value.name, ...(each.key === undefined ? [] : [each.key.name])]);
          each.body = reorder(c, each.body, own, unsafe);
        }
        if (each.kind === 'not') each.body = reorder(c, each.body, visible, unsafe);
        if (each.kind === 'logic') {
          each.left = reorder(c, each.left, visible, unsafe);
          each.right = reorder(c, each.right, visible, unsafe);
        }
        return each.kind !== 'not' && each.kind !== 'logic';
      }
      return false;
    },
    term(term) {
      if (term.kind !== 'comprehension') return true;
      const inner = new Set([...visible, ...bodyVars(term.body)]);
      for (const head of term.key === undefined ? [term.value] : [term.key, term.value]) {
        for (const name of varsIn(head)) if (!inner.has(name)) add(name);
      }
      term.body = reorder(c, term.body, visible, unsafe);
      return false;
    },
  });
}

function reportVar(c: Compilation, name: string, location: Location, suffix: () => string): void {
  if (isGeneratedName(name) && !c.written.has(name) && !name.startsWith('$')) return;
  const written = writtenName(c, name);
  const hint = V0_KEYWORDS.has(written)
    ? ` (hint: \`import future.keywords.${written}\` to import a future keyword)`
    : '';
  report(c, 'rego_unsafe_var_error', `var ${written} is unsafe${suffix()}${hint}`, location);
}

/** What `every` goes through is evaluated before it, where it stands. */
function placeOf(expr: Expr, name: string): Location {
  return expr.kind === 'every' && varsIn(expr.domain).has(name) ? expr.domain.location : expr.location;
}

function reportUnsafe(c: Compilation, unsafe: Unsafe, suffix: () => string): void {
  const firstUse = new Map<string, Location>();
  for (const [expr, names] of unsafe) {
    for (const name of names) {
      const location = placeOf(expr, name);
      const known = firstUse.get(name);
      if (known === undefined || compareLocations(location, known) < 0) firstUse.set(name, location);
    }
  }
  const before = c.diagnostics.length;
  const causes = [...firstUse].filter(([name]) => !c.assigned.has(name));
  for (const [name, location] of causes.length > 0 ? causes : firstUse) reportVar(c, name, location, suffix);
  if (c.diagnostics.length > before || firstUse.size === 0) return;
  const locations = [...unsafe.keys()].map(({ location }) => location).toSorted(compareLocations);
  for (const location of locations) report(c, 'rego_unsafe_var_error', `expression is unsafe${suffix()}`, location);
}

/**
 * Pass: variables declared by arguments, `:=`, `some` and `every` get unique names, so that later passes need no
 * scopes for them; `:=` becomes `=`, `some x in xs` becomes an equation with a scan, plain `some` disappears.
 */
import {
  builtinRef,
  type Call,
  type CallExpr,
  type Comprehension,
  type EveryExpr,
  type Expr,
  isGeneratedName,
  operatorName,
  type Rule,
  scalarName,
  scalarTerm,
  type Term,
  type Var,
} from '../syntax/ast.ts';
import { mapChildTerms, visitBody } from '../syntax/walk.ts';
import { type Compilation, eachRule, isOperator, localVar, remark, report } from './context.ts';
import { declare, declareSome, Frame, lookUp, markSeen, reportUnused, type Scope, top } from './local-scope.ts';
import { rewriteSomeIn } from './some-in.ts';

export function rewriteLocals(c: Compilation): void {
  eachRule(c, (rule) => rewriteRule(c, rule));
}

export function rewriteQueryLocals(c: Compilation, body: Expr[]): { body: Expr[]; names: Map<string, string> } {
  const frame = new Frame();
  const scope: Scope = { c, frames: [frame] };
  const rewritten = rewriteBody(scope, body);
  reportUnused(scope);
  const names = new Map<string, string>();
  for (const [written, { name }] of frame.renamed) names.set(name, written);
  return { body: rewritten, names };
}

function rewriteRule(c: Compilation, rule: Rule): void {
  const { head } = rule;
  const args = new Frame();
  const frame = new Frame();
  const scope: Scope = { c, frames: [args, frame] };
  if (head.args !== undefined) head.args = head.args.map((arg) => declareArg({ c, frames: [args] }, arg));
  for (const [name, occurrence] of args.occurrences) frame.occurrences.set(name, occurrence);
  const body = rewriteBody(scope, rule.body);
  const rename = (term: Term): Term => rewriteTerm(scope, term);
  head.ref.path = head.ref.path.map(rename);
  if (head.key !== undefined) head.key = rename(head.key);
  if (head.value !== undefined) head.value = rename(head.value);
  rule.body = body;
  reportUnused(scope);
}

function declareArg(scope: Scope, arg: Term): Term {
  if (arg.kind === 'var') {
    const frame = top(scope);
    const known = frame.renamed.get(arg.name);
    if (known !== undefined) return known;
    const renamed = localVar(scope.c, arg.location, arg.name);
    frame.renamed.set(arg.name, renamed);
    frame.occurrences.set(arg.name, 'arg');
    return renamed;
  }
  if (arg.kind === 'comprehension') return rewriteTerm(scope, arg);
  mapChildTerms(arg, (child) => declareArg(scope, child));
  return arg;
}

/** Rewrites a body in the innermost frame of `scope`. */
function rewriteBody(scope: Scope, body: readonly Expr[]): Expr[] {
  const result: Expr[] = [];
  for (const expr of body) rewriteExpr(scope, expr, result);
  const [first] = body;
  if (result.length === 0 && first !== undefined) {
    const { location } = first;
    result.push({
      kind: 'term',
      term: scalarTerm(true, location),
      negated: false,
      with: [],
      location,
      generated: true,
    });
  }
  return result;
}

/** A body of its own inside another: what it declares is not seen outside. */
function rewriteClosure(scope: Scope, body: readonly Expr[], declare?: (inner: Scope) => void): Expr[] {
  const inner: Scope = { c: scope.c, frames: [...scope.frames, new Frame()] };
  declare?.(inner);
  const result = rewriteBody(inner, body);
  reportUnused(inner);
  return result;
}

function rewriteExpr(scope: Scope, expr: Expr, result: Expr[]): void {
  const rename = (term: Term): Term => rewriteTerm(scope, term);
  if (expr.kind !== 'some-in') rewriteWiths(scope, expr);
  switch (expr.kind) {
    case 'some':
      for (const each of expr.vars) declareSome(scope, { ...each, location: expr.location }, expr.location);
      return;
    case 'some-in':
      return rewriteSomeIn(scope, expr, result);
    case 'every':
      result.push(rewriteEvery(scope, expr));
      return;
    case 'not':
      expr.body = expr.implicit
        ? rewriteImplicit(scope, expr.body, 'negated expression')
        : rewriteClosure(scope, expr.body);
      break;
    case 'logic': {
      const operand = (body: Expr[], isImplicit: boolean): Expr[] =>
        isImplicit ? rewriteImplicit(scope, body, `implicit ${expr.op} operand`) : rewriteClosure(scope, body);
      expr.left = operand(expr.left, expr.implicitLeft);
      expr.right = operand(expr.right, expr.implicitRight);
      markSeenInside(scope, [...expr.left, ...expr.right]);
      break;
    }
    case 'call':
      if (isOperator(expr, 'assign')) return rewriteAssign(scope, expr, result);
      renameOperator(scope, expr);
      expr.args = expr.args.map(rename);
      break;
    case 'term':
      expr.term = rename(expr.term);
  }
  result.push(expr);
}

export function rewriteWiths(scope: Scope, expr: Expr): void {
  for (const modifier of expr.with) {
    modifier.target.path = modifier.target.path.map((part) => rewriteTerm(scope, part));
    modifier.value = rewriteTerm(scope, modifier.value);
  }
}

/** A body without braces declares nothing: nobody could use it. */
function rewriteImplicit(scope: Scope, body: Expr[], place: string): Expr[] {
  const assignments = body.filter((each) => each.kind === 'call' && isOperator(each, 'assign'));
  for (const { location } of assignments) {
    report(scope.c, 'rego_compile_error', `cannot assign vars inside ${place}`, location);
  }
  return assignments.length > 0 ? body : rewriteBody(scope, body);
}

/** Names of functions are names: what is called cannot be declared later, and what is declared cannot be called. */
function renameOperator(scope: Scope, call: Call | CallExpr): void {
  const { head } = call.operator;
  if (head.kind !== 'var' || isWritten(call)) return;
  const renamed = lookUp(scope, head.name);
  if (renamed === undefined) return markSeen(scope, head);
  if (!('negated' in call)) {
    report(scope.c, 'rego_compile_error', `called function ${call.operator.location.text} shadowed`, call.location);
  }
  call.operator = { ...call.operator, head: renamed };
}

/** The parser's own calls, of which authors know nothing. */
function isWritten(call: Call | CallExpr): boolean {
  if ('generated' in call) return call.generated;
  return operatorName(call.operator) === 'internal.template_string';
}

function rewriteAssign(scope: Scope, expr: CallExpr, result: Expr[]): void {
  const [left, right] = expr.args;
  if (left === undefined || right === undefined) throw new Error('an assignment has two sides');
  if (expr.negated) {
    report(scope.c, 'rego_compile_error', 'cannot assign vars inside negated expression', expr.location);
    return;
  }
  const value = rewriteTerm(scope, right);
  const pattern = declarePattern(scope, left);
  const operator = builtinRef('eq', expr.operator.location);
  result.push({ ...expr, operator, args: [pattern, value], assigned: true });
}

function declarePattern(scope: Scope, term: Term): Term {
  switch (term.kind) {
    case 'var':
      return declare(scope, term, 'assigned');
    case 'array':
      term.items = term.items.map((item) => declarePattern(scope, item));
      return term;
    case 'object':
      term.entries = term.entries.map(([key, value]) => [rewriteTerm(scope, key), declarePattern(scope, value)]);
      return term;
    default: {
      if (term.kind === 'ref' && term.path.length === 0 && term.head.kind === 'var') {
        const message = `variables must not shadow ${term.head.name} (use a different variable name)`;
        remark(scope.c, message, term.location);
        return term;
      }
      const what = term.kind === 'scalar' ? scalarName(term.value) : term.kind;
      report(scope.c, 'rego_compile_error', `cannot assign to ${what}`, term.location);
      return term;
    }
  }
}

function rewriteEvery(scope: Scope, expr: EveryExpr): Expr {
  const { location } = expr;
  const domain = rewriteTerm(scope, expr.domain);
  let { key, value } = expr;
  const body = rewriteClosure(scope, expr.body, (inner) => {
    const at = expr.body[0]?.location ?? location;
    if (key !== undefined) key = declareSome(inner, key, at);
    value = declareSome(inner, value, at);
  });
  return { ...expr, key, value, domain, body, location };
}

/** What a body inside uses counts as used here too. */
function markSeenInside(scope: Scope, body: readonly Expr[]): void {
  visitBody(body, {
    term(term) {
      if (term.kind === 'var' && !isGeneratedName(term.name)) markSeen(scope, term);
      return term.kind !== 'comprehension';
    },
  });
}

export function rewriteTerm(scope: Scope, term: Term): Term {
  switch (term.kind) {
    case 'var':
      return rewriteVar(scope, term);
    case 'call':
      renameOperator(scope, term);
      mapChildTerms(term, (child) => rewriteTerm(scope, child));
      return term;
    case 'comprehension':
      return rewriteComprehension(scope, term);
    default:
      mapChildTerms(term, (child) => rewriteTerm(scope, child));
      return term;
  }
}

function rewriteVar(scope: Scope, term: Var): Term {
  if (term.name === 'data' || term.name === 'input') return term;
  const renamed = lookUp(scope, term.name);
  if (renamed !== undefined) return { ...renamed, location: term.location };
  markSeen(scope, term);
  return term;
}

function rewriteComprehension(scope: Scope, term: Comprehension): Term {
  // The parser's way to write a part of a template string, which has no variables of its own.
  if (term.template === true) {
    term.body = rewriteBody(scope, term.body);
    return term;
  }
  const inner: Scope = { c: scope.c, frames: [...scope.frames, new Frame()] };
  term.body = rewriteBody(inner, term.body);
  mapChildTerms(term, (child) => rewriteTerm(inner, child));
  reportUnused(inner);
  return term;
}

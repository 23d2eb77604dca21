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
  equation,
  isGeneratedName,
  type LogicExpr,
  operatorName,
  type Rule,
  refTerm,
  type SomeInExpr,
  scalarName,
  scalarTerm,
  type Term,
  type Var,
} from '../syntax/ast.ts';
import type { Location } from '../syntax/location.ts';
import { mapChildTerms, visitTerm } from '../syntax/walk.ts';
import { type Compilation, eachRule, isOperator, localVar, remark, report } from './context.ts';

type Occurrence = 'arg' | 'seen' | 'assigned' | 'declared';

/** Names of one body: what was declared there, and what was used there without being declared. */
class Frame {
  readonly renamed = new Map<string, Var>();
  readonly occurrences = new Map<string, Occurrence>();
  /** Variables that must be used, and where it is reported when they are not. */
  readonly declaredBySome = new Map<string, Location>();
  readonly used = new Set<string>();
}

interface Scope {
  readonly c: Compilation;
  readonly frames: readonly Frame[];
}

export function rewriteLocals(c: Compilation): void {
  eachRule(c, (rule) => rewriteRule(c, rule));
}

export function rewriteQueryLocals(c: Compilation, body: Expr[]): { body: Expr[]; names: Map<string, string> } {
  const frame = new Frame();
  const rewritten = rewriteBody({ c, frames: [frame] }, body);
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
  for (const modifier of expr.with) {
    modifier.target.path = modifier.target.path.map(rename);
    modifier.value = rename(modifier.value);
  }
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
      expr.body = expr.implicit ? rewriteBody(scope, expr.body) : rewriteClosure(scope, expr.body);
      break;
    case 'logic':
      expr.left = rewriteOperand(scope, expr, expr.left, expr.implicitLeft);
      expr.right = rewriteOperand(scope, expr, expr.right, expr.implicitRight);
      break;
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

function rewriteOperand(scope: Scope, { op, location }: LogicExpr, side: readonly Expr[], implicit: boolean): Expr[] {
  if (!implicit) return rewriteClosure(scope, side);
  if (side.some((each) => each.kind === 'call' && isOperator(each, 'assign'))) {
    report(scope.c, 'rego_compile_error', `cannot assign vars inside implicit ${op} operand`, location);
  }
  return rewriteBody(scope, side);
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

function markSeen(scope: Scope, { name }: Var): void {
  const { occurrences } = top(scope);
  if (name !== 'data' && name !== 'input' && !occurrences.has(name)) occurrences.set(name, 'seen');
}

function rewriteAssign(scope: Scope, expr: CallExpr, result: Expr[]): void {
  const [left, right] = expr.args;
  if (left === undefined || right === undefined) throw new Error('an assignment has two sides');
  if (expr.negated)
    report(scope.c, 'rego_compile_error', 'cannot assign vars inside negated expression', expr.location);
  const value = rewriteTerm(scope, right);
  const pattern = declarePattern(scope, left);
  result.push({ ...expr, operator: builtinRef('eq', expr.operator.location), args: [pattern, value] });
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

function declare(scope: Scope, variable: Var, occurrence: 'assigned' | 'declared'): Var {
  const frame = top(scope);
  const before = frame.occurrences.get(variable.name);
  if (before !== undefined) {
    const message =
      before === 'arg'
        ? `arg ${variable.name} redeclared`
        : `var ${variable.name} ${before === 'seen' ? 'referenced' : before} above`;
    report(scope.c, 'rego_compile_error', message, variable.location);
    // Said once: what is declared twice need not be used.
    frame.declaredBySome.delete(variable.name);
    return variable;
  }
  const renamed = localVar(scope.c, variable.location, variable.name);
  if (occurrence === 'assigned') scope.c.assigned.add(renamed.name);
  frame.renamed.set(variable.name, renamed);
  frame.occurrences.set(variable.name, occurrence);
  return renamed;
}

/** Declares a variable that must be used. */
function declareSome(scope: Scope, variable: Var, unusedAt: Location): Var {
  const renamed = declare(scope, variable, 'declared');
  if (renamed !== variable) top(scope).declaredBySome.set(variable.name, unusedAt);
  return renamed;
}

/** `some k, v in xs` is `xs[k] = v` with fresh k and v. */
function rewriteSomeIn(scope: Scope, expr: SomeInExpr, result: Expr[]): void {
  const { location } = expr;
  const inDomain = namesIn(expr.domain);
  const domain = rewriteTerm(scope, expr.domain);
  const members: Members = { scope, location, names: new Set(), inDomain };
  const key = expr.key === undefined ? localVar(scope.c, location) : declareMember(members, expr.key);
  const value = declareMember(members, expr.value);
  let source = domain;
  if (domain.kind !== 'var' && domain.kind !== 'ref') {
    source = localVar(scope.c, domain.location);
    result.push({ ...equation(source, domain, domain.location), with: expr.with });
  }
  const base = source.kind === 'ref' ? source : refTerm(source, [], location);
  const element = refTerm(base.head, [...base.path, key], location);
  result.push({ ...equation(element, value, location), with: expr.with, generated: false });
}

function namesIn(term: Term): Set<string> {
  const names = new Set<string>();
  visitTerm(term, {
    term(each) {
      if (each.kind === 'var') names.add(each.name);
      return true;
    },
  });
  return names;
}

/** What one `some … in` declares; a name that comes again means the same variable. */
interface Members {
  readonly scope: Scope;
  readonly location: Location;
  readonly names: Set<string>;
  /** What the collection itself mentions. */
  readonly inDomain: ReadonlySet<string>;
}

function declareMember(members: Members, term: Term): Term {
  if (term.kind === 'var') return declareMemberVar(members, term);
  if (term.kind !== 'array' && term.kind !== 'object') return rewriteTerm(members.scope, term);
  mapChildTerms(term, (child) => declareMember(members, child));
  return term;
}

function declareMemberVar({ scope, location, names, inDomain }: Members, term: Var): Term {
  if (names.has(term.name)) return rewriteTerm(scope, term);
  names.add(term.name);
  if (top(scope).occurrences.has(term.name) && inDomain.has(term.name)) {
    report(scope.c, 'rego_compile_error', `var ${term.name} assigned before`, location);
    return term;
  }
  return declare(scope, { ...term, location }, 'declared');
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

function rewriteTerm(scope: Scope, term: Term): Term {
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

function lookUp(scope: Scope, name: string): Var | undefined {
  for (let i = scope.frames.length - 1; i >= 0; i -= 1) {
    const frame = scope.frames[i];
    const renamed = frame?.renamed.get(name);
    if (renamed !== undefined) {
      frame?.used.add(name);
      return renamed;
    }
  }
  return undefined;
}

function reportUnused(scope: Scope): void {
  const frame = top(scope);
  for (const [name, location] of frame.declaredBySome) {
    if (!frame.used.has(name) && !isGeneratedName(name)) {
      remark(scope.c, `declared var ${name} unused`, location);
    }
  }
}

function top(scope: Scope): Frame {
  const frame = scope.frames.at(-1);
  if (frame === undefined) throw new Error('a scope has at least one frame');
  return frame;
}

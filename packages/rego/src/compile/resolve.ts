/** Pass: names of rules and imports become full refs (`allow` → `data.order.allow`), unless a local hides them. */
import {
  type Expr,
  keyName,
  type Module,
  type Ref,
  type Rule,
  refTerm,
  scalarTerm,
  type Term,
  varTerm,
} from '../syntax/ast.ts';
import type { Location } from '../syntax/location.ts';
import { mapChildTerms, visitTerm } from '../syntax/walk.ts';
import { type Compilation, declaredVars, report } from './context.ts';
import { checkUnusedImports } from './modules.ts';

/** What a name stands for: the root and the path of a document. */
interface Globals {
  readonly names: ReadonlyMap<string, readonly string[]>;
  /** Names that were looked up. */
  readonly used: Set<string>;
}
type Scope = readonly ReadonlySet<string>[];

export function resolveRefs(c: Compilation): void {
  for (const module of c.modules) {
    const globals = globalNames(c, module);
    for (const rule of module.rules) resolveRule(c, rule, globals);
    checkUnusedImports(c, module, globals.used);
  }
}

/** Resolves a query as if it stood in `module`. */
export function resolveQuery(body: Expr[], imports: Globals = { names: new Map(), used: new Set() }): void {
  resolveBody(body, imports, [declaredVars(body)]);
}

function globalNames(c: Compilation, module: Module): Globals {
  const globals = new Map<string, readonly string[]>();
  const path = module.package.path.join('\0');
  for (const other of c.modules) {
    if (other.package.path.join('\0') !== path) continue;
    for (const { head } of other.rules) {
      if (head.ref.head.kind === 'var') {
        globals.set(head.ref.head.name, ['data', ...module.package.path, head.ref.head.name]);
      }
    }
  }
  for (const entry of module.imports) {
    const root = entry.path.head.kind === 'var' ? entry.path.head.name : '';
    if (root !== 'data' && root !== 'input') continue;
    const full = [root, ...entry.path.path.map(keyName)];
    globals.set(entry.alias ?? full.at(-1) ?? root, full);
  }
  return { names: globals, used: new Set() };
}

function resolveRule(c: Compilation, rule: Rule, globals: Globals): void {
  const { head } = rule;
  const args = new Set<string>();
  for (const arg of head.args ?? []) {
    visitTerm(arg, {
      term(term) {
        if (term.kind === 'var') args.add(term.name);
        if (term.kind === 'ref') checkArgument(c, term, rule.location);
        return term.kind !== 'ref' && term.kind !== 'call';
      },
    });
  }
  const scope: Scope = [args, declaredVars(rule.body)];
  const resolve = (term: Term): Term => resolveTerm(term, globals, scope);
  head.ref.path = head.ref.path.map(resolve);
  if (head.key !== undefined) head.key = resolve(head.key);
  if (head.value !== undefined) head.value = resolve(head.value);
  resolveBody(rule.body, globals, scope);
  if (rule.else !== undefined) resolveRule(c, rule.else, globals);
}

function checkArgument(c: Compilation, { head, path }: Ref, location: Location): void {
  if (path.length > 0 || head.kind !== 'var' || (head.name !== 'data' && head.name !== 'input')) return;
  report(c, 'rego_compile_error', `args must not shadow ${head.name} (use a different variable name)`, location);
}

function resolveBody(body: Expr[], globals: Globals, scope: Scope): void {
  for (const expr of body) resolveExpr(expr, globals, scope);
}

function resolveExpr(expr: Expr, globals: Globals, scope: Scope): void {
  const resolve = (term: Term): Term => resolveTerm(term, globals, scope);
  switch (expr.kind) {
    case 'term':
      expr.term = resolve(expr.term);
      break;
    case 'call':
      expr.operator = resolveOperator(expr.operator, globals, scope);
      expr.args = expr.args.map(resolve);
      break;
    case 'some-in':
      if (expr.key !== undefined) expr.key = resolve(expr.key);
      expr.value = resolve(expr.value);
      expr.domain = resolve(expr.domain);
      break;
    case 'every': {
      expr.domain = resolve(expr.domain);
      const own = new Set([expr.value.name, ...(expr.key === undefined ? [] : [expr.key.name])]);
      resolveBody(expr.body, globals, [...scope, own, declaredVars(expr.body)]);
      break;
    }
    case 'not':
      resolveBody(expr.body, globals, [...scope, declaredVars(expr.body)]);
      break;
    case 'logic':
      resolveBody(expr.left, globals, [...scope, declaredVars(expr.left)]);
      resolveBody(expr.right, globals, [...scope, declaredVars(expr.right)]);
      break;
    case 'some':
  }
  for (const modifier of expr.with) {
    modifier.target = resolveOperator(modifier.target, globals, scope);
    modifier.value = resolve(modifier.value);
  }
}

function resolveTerm(term: Term, globals: Globals, scope: Scope): Term {
  switch (term.kind) {
    case 'var': {
      const full = lookUp(term.name, globals, scope);
      return full === undefined ? term : documentRef(full, [], term.location);
    }
    case 'ref': {
      const path = term.path.map((part) => resolveTerm(part, globals, scope));
      const head = resolveTerm(term.head, globals, scope);
      if (head.kind === 'ref' && term.head.kind === 'var') {
        return refTerm(head.head, [...head.path, ...path], term.location);
      }
      return refTerm(head, path, term.location);
    }
    case 'call':
      term.operator = resolveOperator(term.operator, globals, scope);
      term.args = term.args.map((arg) => resolveTerm(arg, globals, scope));
      return term;
    case 'comprehension': {
      const inner: Scope = [...scope, declaredVars(term.body)];
      mapChildTerms(term, (child) => resolveTerm(child, globals, inner));
      resolveBody(term.body, globals, inner);
      return term;
    }
    default:
      mapChildTerms(term, (child) => resolveTerm(child, globals, scope));
      return term;
  }
}

function resolveOperator(operator: Ref, globals: Globals, scope: Scope): Ref {
  const resolved = resolveTerm(operator, globals, scope);
  return resolved.kind === 'ref' ? resolved : operator;
}

function lookUp(name: string, globals: Globals, scope: Scope): readonly string[] | undefined {
  if (scope.some((names) => names.has(name))) return undefined;
  globals.used.add(name);
  return globals.names.get(name);
}

function documentRef([root = 'data', ...path]: readonly string[], rest: readonly Term[], location: Location): Ref {
  return refTerm(varTerm(root, location), [...path.map((part) => scalarTerm(part, location)), ...rest], location);
}

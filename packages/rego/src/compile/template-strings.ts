/**
 * Pass: an expression in a template string may not bind variables, so it cannot iterate. The parser wrote each as
 * `{y | y = x}`, which is empty when x is undefined; a variable always has a value, and so stands for itself.
 */
import { type Call, type CallExpr, type Comprehension, type Expr, operatorName, type Term } from '../syntax/ast.ts';
import { exprBodies, headTerms, visitExpr, visitTerm } from '../syntax/walk.ts';
import { type Compilation, eachRule, isCalled, report, writtenName } from './context.ts';
import { outputVars } from './output-vars.ts';
import { varsIn } from './variables.ts';

type Names = ReadonlySet<string>;

export function rewriteTemplates(c: Compilation): void {
  if (!isCalled(c, 'internal')) return;
  eachRule(c, (rule) => {
    const outer = new Set(['data', 'input']);
    for (const arg of rule.head.args ?? []) for (const name of varsIn(arg)) outer.add(name);
    const safe = rewriteBody(c, rule.body, outer);
    for (const term of headTerms(rule)) rewriteTerm(c, term, safe);
  });
}

export function rewriteQueryTemplates(c: Compilation, body: readonly Expr[]): void {
  rewriteBody(c, body, new Set(['data', 'input']));
}

/** Answers with what is bound at the body's end; the place of a literal does not matter. */
function rewriteBody(c: Compilation, body: readonly Expr[], outer: Names): Names {
  const safe = new Set(outer);
  for (const expr of body) for (const name of outputVars(c, expr, safe)) safe.add(name);
  for (const expr of body) rewriteExpr(c, expr, safe);
  return safe;
}

function rewriteExpr(c: Compilation, expr: Expr, safe: Names): void {
  if (expr.kind === 'call') rewriteParts(c, expr, safe);
  visitExpr(expr, {
    expr: (each) => each === expr,
    term: (term) => enter(c, term, safe),
  });
  const inner = new Set(safe);
  if (expr.kind === 'every') for (const each of [expr.key, expr.value]) if (each !== undefined) inner.add(each.name);
  for (const body of exprBodies(expr)) rewriteBody(c, body, inner);
}

function rewriteTerm(c: Compilation, within: Term, safe: Names): void {
  visitTerm(within, { term: (term) => enter(c, term, safe) });
}

function enter(c: Compilation, term: Term, safe: Names): boolean {
  if (term.kind === 'call') rewriteParts(c, term, safe);
  if (term.kind !== 'comprehension') return true;
  const inner = rewriteBody(c, term.body, safe);
  for (const head of term.key === undefined ? [term.value] : [term.key, term.value]) rewriteTerm(c, head, inner);
  return false;
}

function rewriteParts(c: Compilation, { operator, args }: Call | CallExpr, safe: Names): void {
  const [list] = args;
  if (operatorName(operator) !== 'internal.template_string' || list?.kind !== 'array') return;
  list.items = list.items.map((part) => {
    if (part.kind !== 'comprehension' || part.template !== true) return part;
    const variable = plainVariable(part);
    if (variable !== undefined) return { kind: 'set', items: [variable], location: part.location };
    checkPart(c, part, safe);
    return part;
  });
}

function plainVariable({ body: [expr] }: Comprehension): Term | undefined {
  const value = expr?.kind === 'call' ? expr.args[1] : undefined;
  return value?.kind === 'var' ? value : undefined;
}

function checkPart(c: Compilation, { value, body, location }: Comprehension, safe: Names): void {
  const own = varsIn(value);
  for (const expr of body) {
    const called =
      expr.kind === 'call' && expr.args[1]?.kind === 'call' ? operatorName(expr.args[1].operator) : undefined;
    if (called !== undefined && c.builtins.get(called)?.relation === true) {
      const message = `illegal call to relation built-in '${called}' that may cause multiple outputs`;
      report(c, 'rego_compile_error', message, location);
      continue;
    }
    const used = new Set(expr.kind === 'call' ? expr.args.flatMap((arg) => [...varsIn(arg)]) : []);
    for (const name of [...used.difference(own).difference(safe)].toSorted()) {
      report(c, 'rego_compile_error', `var ${writtenName(c, name)} is undeclared`, location);
    }
  }
}

/** Pass: every variable must get its value from somewhere. What cannot be ordered is unsafe. */
import { type Expr, isGeneratedName, isWildcard, operatorName, type Rule, type Term } from '../syntax/ast.ts';
import { compareLocations, type Location } from '../syntax/location.ts';
import { chain, visitTerm } from '../syntax/walk.ts';
import { type Compilation, eachRule, report, writtenName } from './context.ts';
import { bodyVars } from './literal-vars.ts';
import { checkClosures, reorder, type Unsafe } from './reorder.ts';
import { allVarsIn, ROOTS } from './variables.ts';

const V0_KEYWORDS: ReadonlySet<string> = new Set(['contains', 'every', 'if', 'in']);

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
  for (const arg of head.args ?? []) for (const name of allVarsIn(arg)) globals.add(name);
  const unsafe: Unsafe = new Map();
  const suffix = (): string => ruleOnSharedLine(c, rule);
  const safe = new Set([...globals, ...bodyVars(c, rule.body)]);
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
function checkDefault(c: Compilation, { head: { ref, value } }: Rule): void {
  if (value === undefined) return;
  const unsafe: Unsafe = new Map();
  for (const part of ref.path) {
    for (const name of allVarsIn(part)) reportVar(c, name, part.location, () => '');
  }
  checkClosures(c, asLiteral(value), new Set(ROOTS), unsafe);
  reportUnsafe(c, unsafe, () => '');
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

function reportVar(c: Compilation, name: string, location: Location, suffix: () => string): void {
  if (isHidden(c, name)) return;
  const written = writtenName(c, name);
  const hint = V0_KEYWORDS.has(written)
    ? ` (hint: \`import future.keywords.${written}\` to import a future keyword)`
    : '';
  report(c, 'rego_unsafe_var_error', `var ${written} is unsafe${suffix()}${hint}`, location);
}

/** A name that a pass made up; the author has none for it. */
function isHidden(c: Compilation, name: string): boolean {
  return isGeneratedName(name) && !c.written.has(name) && !isWildcard(name);
}

function reportUnsafe(c: Compilation, unsafe: Unsafe, suffix: () => string): void {
  const inOrder = [...unsafe].toSorted(([a], [z]) => compareLocations(a.location, z.location));
  const firstUse = new Map<string, Location>();
  for (const [{ location }, names] of inOrder) {
    for (const name of names) if (!isHidden(c, name) && !firstUse.has(name)) firstUse.set(name, location);
  }
  // What is assigned is unsafe because of what it is assigned.
  const assigned = new Set(inOrder.flatMap(([expr]) => [...assignedVars(expr)]));
  const causes = [...firstUse].filter(([name]) => !assigned.has(name));
  for (const [name, location] of causes.length > 0 ? causes : firstUse) reportVar(c, name, location, suffix);
  if (firstUse.size > 0) return;
  const said = new Set<string>();
  for (const [{ location }, names] of inOrder) {
    const before = said.size;
    for (const name of names) said.add(name);
    if (said.size > before) report(c, 'rego_unsafe_var_error', `expression is unsafe${suffix()}`, location);
  }
}

function assignedVars(expr: Expr): Set<string> {
  const target = expr.kind === 'call' && expr.assigned === true ? expr.args[0] : undefined;
  return target === undefined ? new Set() : allVarsIn(target);
}

/** What the passes share: the modules of one compilation, and the findings so far. */
import type { Builtin } from '../builtins/builtin.ts';
import type { Expr, Module, Rule, Term, Var } from '../syntax/ast.ts';
import { varTerm } from '../syntax/ast.ts';
import type { Diagnostic, DiagnosticCode } from '../syntax/diagnostic.ts';
import type { Location } from '../syntax/location.ts';
import type { RuleTree } from './rule-tree.ts';
import type { TypeWorld } from './typing/scope.ts';

export interface Compilation {
  readonly modules: readonly Module[];
  readonly builtins: ReadonlyMap<string, Builtin>;
  /** Builtins that are refused by name, and why. */
  readonly excluded: ReadonlyMap<string, string>;
  readonly diagnostics: Diagnostic[];
  /** Findings that refuse the policy but leave a tree that later passes can check. */
  readonly remarks: Diagnostic[];
  /** What authors call the variables that {@link localVar} renamed. */
  readonly written: Map<string, string>;
  /** What is unused, and what OPA has given up, is refused. */
  readonly strict: boolean;
  /** Somebody listens to `print`. */
  readonly printing: boolean;
  /** Filled by the rule tree pass. */
  tree: RuleTree;
  counter: number;
  /** Functions and documents that some `with` replaces: calls of such functions look for the replacement first. */
  readonly mockable: Set<string>;
  /** Filled by the type checker: queries are checked against the types of the rules. */
  types: TypeWorld | undefined;
}

export function report(c: Compilation, code: DiagnosticCode, message: string, location: Location): void {
  c.diagnostics.push({ code, message, location });
}

/** Reports something about names that does not keep later passes from understanding the policy. */
export function remark(c: Compilation, message: string, location: Location): void {
  c.remarks.push({ code: 'rego_compile_error', message, location });
}

/** A fresh variable that no author can write. */
export function localVar(c: Compilation, location: Location, written?: string): Var {
  const name = written === undefined ? `#${c.counter}` : `#${c.counter}.${written}`;
  c.counter += 1;
  if (written !== undefined) c.written.set(name, written);
  return varTerm(name, location);
}

/** The name to show for a variable. */
export function writtenName(c: Compilation, name: string): string {
  const written = c.written.get(name) ?? name;
  return written.startsWith('$') ? '_' : written;
}

/** Whether some module calls a function whose name begins like this. */
export function isCalled(c: Compilation, name: string): boolean {
  return c.modules.some(({ called }) => called.has(name));
}

/** Every rule, `else` included, with its module. */
export function eachRule(c: Compilation, visit: (rule: Rule, module: Module) => void): void {
  for (const module of c.modules) {
    for (const rule of module.rules) {
      for (let next: Rule | undefined = rule; next !== undefined; next = next.else) visit(next, module);
    }
  }
}

/** Variables declared by `:=`, `some` and `some … in` at the top of a body. */
export function declaredVars(body: readonly Expr[]): Set<string> {
  const names = new Set<string>();
  for (const expr of body) {
    if (expr.kind === 'some') for (const each of expr.vars) names.add(each.name);
    if (expr.kind === 'some-in') {
      patternVars(expr.value, names);
      if (expr.key !== undefined) patternVars(expr.key, names);
    }
    if (expr.kind === 'call' && isOperator(expr, 'assign') && expr.args[0] !== undefined) {
      patternVars(expr.args[0], names);
    }
  }
  return names;
}

/** Variables in a pattern: in arrays, and in the values of objects; not inside refs or calls. */
export function patternVars(term: Term, names: Set<string>): void {
  if (term.kind === 'var') names.add(term.name);
  else if (term.kind === 'array') for (const item of term.items) patternVars(item, names);
  else if (term.kind === 'object') for (const [, value] of term.entries) patternVars(value, names);
}

export function isOperator(expr: { readonly operator: { head: Term; path: readonly Term[] } }, name: string): boolean {
  const { head, path } = expr.operator;
  return head.kind === 'var' && head.name === name && path.length === 0;
}

/** Queries through the same passes as rules. */
import type { Expr } from '../syntax/ast.ts';
import { isGeneratedName } from '../syntax/ast.ts';
import type { Diagnostic } from '../syntax/diagnostic.ts';
import { sortDiagnostics } from '../syntax/diagnostic.ts';
import { NOWHERE } from '../syntax/location.ts';
import { visitBody } from '../syntax/walk.ts';
import type { Compilation } from './context.ts';
import { checkQueryFunctions } from './functions.ts';
import { hoistBody } from './hoist.ts';
import { rewriteQueryLocals } from './locals.ts';
import { rewriteQueryPrints } from './print.ts';
import { resolveQuery } from './resolve.ts';
import { checkQuerySafety } from './safety.ts';
import { rewriteQueryTemplates } from './template-strings.ts';
import { checkQueryTypes } from './typing/check-types.ts';
import { checkQueryWiths } from './with.ts';

export interface CheckedQuery {
  readonly body: readonly Expr[];
  /** Variables of the answers: as the passes call them, and as the author wrote them. */
  readonly variables: readonly { readonly name: string; readonly written: string }[];
  readonly diagnostics: readonly Diagnostic[];
}

export function checkQuery(c: Compilation, parsed: Expr[]): CheckedQuery {
  const before = c.diagnostics.length;
  const remarked = c.remarks.length;
  try {
    const checked = runQueryPasses(c, parsed, before + remarked);
    const diagnostics = sortDiagnostics([...c.remarks.splice(remarked), ...c.diagnostics.splice(before)]);
    return { ...checked, diagnostics };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    c.diagnostics.length = before;
    c.remarks.length = remarked;
    const location = parsed[0]?.location ?? NOWHERE;
    const message = 'query nests too deeply';
    return { body: [], variables: [], diagnostics: [{ code: 'rego_compile_error', message, location }] };
  }
}

/** As in OPA, a pass that found something is the last one. */
function runQueryPasses(c: Compilation, parsed: Expr[], before: number): Omit<CheckedQuery, 'diagnostics'> {
  let names: ReadonlyMap<string, string> = new Map();
  let variables: CheckedQuery['variables'] = [];
  const passes: readonly ((body: Expr[]) => Expr[] | void)[] = [
    (body) => resolveQuery(body),
    (body) => {
      const renamed = rewriteQueryLocals(c, body);
      names = renamed.names;
      return renamed.body;
    },
    (body) => rewriteQueryTemplates(c, body),
    (body) => checkQueryWiths(c, body),
    (body) => rewriteQueryPrints(c, body),
    (body) => hoistBody(c, body),
    markCalls,
    (body) => checkQueryFunctions(c, body),
    (body) => {
      variables = queryVariables(body, names);
      return checkQuerySafety(c, body);
    },
    (body) => checkQueryTypes(c, body),
  ];
  let body = parsed;
  for (const pass of passes) {
    body = pass(body) ?? body;
    if (c.diagnostics.length + c.remarks.length > before) break;
  }
  return { body, variables };
}

/** In rules `==` is an equation; in queries, as in OPA, a builtin like others: its operands are evaluated before a `not`. */
function markCalls(body: readonly Expr[]): void {
  visitBody(body, {
    expr(expr) {
      if (expr.kind === 'call') expr.inQuery = true;
      return undefined;
    },
  });
}

/** Variables that answers show: the author's own, outside closures. */
function queryVariables(body: readonly Expr[], names: ReadonlyMap<string, string>): CheckedQuery['variables'] {
  const found = new Map<string, string>();
  const operators = new Set<unknown>();
  visitBody(body, {
    expr(expr) {
      if (expr.kind === 'call') operators.add(expr.operator);
      for (const { target } of expr.with) operators.add(target);
      return !expr.negated && expr.kind !== 'every' && expr.kind !== 'not' && expr.kind !== 'logic';
    },
    term(term) {
      if (operators.has(term) || term.kind === 'comprehension') return false;
      if (term.kind !== 'var' || term.name === 'data' || term.name === 'input') return true;
      const written = names.get(term.name);
      if (written !== undefined && !isGeneratedName(written)) found.set(term.name, written);
      else if (!isGeneratedName(term.name)) found.set(term.name, term.name);
      return true;
    },
  });
  return [...found].map(([name, written]) => ({ name, written }));
}

/** Answers to a query as `opa eval` gives them: the value of every literal beside the variables. */
import type { Bindings, Evaluate, Prepared } from './policy.ts';
import { type Expr, equation, operatorName, type Term, varTerm } from './syntax/ast.ts';
import { parseQueryText } from './syntax/parse-module.ts';
import { visitBody } from './syntax/walk.ts';
import type { Value } from './value/value.ts';

/** One solution of a query. */
export interface QueryResult {
  /** One for each literal of the query. */
  readonly expressions: readonly QueryExpression[];
  /** Values of the query's variables. */
  readonly bindings: Bindings;
}

export interface QueryExpression {
  /** As it was written. */
  readonly text: string;
  /** From 1. */
  readonly row: number;
  readonly col: number;
  /** `true` where a literal has no value of its own, such as an assignment. */
  readonly value: Value;
}

type PrepareBody = (body: Expr[]) => Prepared<readonly Bindings[]>;

/** What has no value: unification, assignment, and what only prints. */
const VALUELESS = new Set(['eq', 'assign', 'print']);

export function prepareResults(text: string, prepare: PrepareBody): Prepared<readonly QueryResult[]> {
  const parsed = parseQueryText(text, 'v1');
  if (!parsed.ok) return parsed;
  const literals = parsed.value.filter(({ kind }) => kind !== 'some');
  const places = literals.map(({ location: { text: written, row, col } }) => ({ text: written, row, col }));
  const onlyTruth = literals.length === 1 && !hasVariables(literals);
  const captured = parsed.value.map(withValue);
  const names = captured.filter(({ expr }) => expr.kind !== 'some').map(({ name }) => name);
  const prepared = prepare(captured.map(({ expr }) => expr));
  // The query as it was written says what is wrong with it.
  if (!prepared.ok) return withoutValues(text, places, prepare);
  // A literal that is false makes no solution, unless it is the whole query and has no choice.
  const evaluate: Evaluate<readonly QueryResult[]> = (input, options) =>
    prepared
      .evaluate(input, options)
      .map((solution) => resultOf(solution, places, names))
      .filter(({ expressions }) => onlyTruth || expressions.every(({ value }) => value !== false));
  return { ok: true, evaluate };
}

type Place = Omit<QueryExpression, 'value'>;

/** A builtin called with its output as the last argument has no value that could be taken. */
function withoutValues(text: string, places: readonly Place[], prepare: PrepareBody): Prepared<readonly QueryResult[]> {
  const parsed = parseQueryText(text, 'v1');
  if (!parsed.ok) return parsed;
  const prepared = prepare(parsed.value);
  if (!prepared.ok) return prepared;
  const evaluate: Evaluate<readonly QueryResult[]> = (input, options) =>
    prepared.evaluate(input, options).map((bindings) => resultOf(bindings, places, []));
  return { ok: true, evaluate };
}

/** No author can write such a name. */
function withValue(expr: Expr, index: number): { readonly expr: Expr; readonly name: string | undefined } {
  const term = valueTerm(expr);
  if (term === undefined) return { expr, name: undefined };
  const name = `literal ${index}`;
  return { expr: { ...equation(varTerm(name, expr.location), term, expr.location), with: expr.with }, name };
}

function valueTerm(expr: Expr): Term | undefined {
  if (expr.negated) return undefined;
  if (expr.kind === 'term') return expr.term;
  if (expr.kind !== 'call' || VALUELESS.has(operatorName(expr.operator) ?? '')) return undefined;
  return { kind: 'call', operator: expr.operator, args: expr.args, location: expr.location };
}

function resultOf(solution: Bindings, places: readonly Place[], names: readonly (string | undefined)[]): QueryResult {
  const expressions = places.map((place, index) => {
    const name = names[index];
    return { ...place, value: name === undefined ? true : (solution[name] ?? true) };
  });
  const bindings = Object.fromEntries(Object.entries(solution).filter(([name]) => !names.includes(name)));
  return { expressions, bindings };
}

function hasVariables(body: readonly Expr[]): boolean {
  const operators = new Set<Term>();
  let found = false;
  visitBody(body, {
    expr(expr) {
      if (expr.kind === 'call') operators.add(expr.operator);
      return true;
    },
    term(term) {
      if (term.kind === 'call') operators.add(term.operator);
      if (operators.has(term) || term.kind === 'comprehension') return false;
      if (term.kind === 'var' && term.name !== 'input' && term.name !== 'data') found = true;
      return true;
    },
  });
  return found;
}

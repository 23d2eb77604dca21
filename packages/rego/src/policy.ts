/** A compiled set of policies: prepares queries, and evaluates what is prepared. */
import type { Compilation } from './compile/context.ts';
import { type CheckedQuery, checkQuery } from './compile/query.ts';
import { findNode, type VirtualDocument } from './compile/rule-tree.ts';
import { type Dependencies, queryDependencies } from './dependencies/dependencies.ts';
import type { CodeHost } from './evaluate/code-host.ts';
import { Context, type Documents } from './evaluate/context.ts';
import { EvaluationError } from './evaluate/evaluation-error.ts';
import { type QueryOptions, QueryState } from './evaluate/query-state.ts';
import { type ExplainOptions, type Explanation, explain } from './explain/explain.ts';
import { buildDocuments, buildQuery } from './program.ts';
import { prepareResults, type QueryResult } from './query-results.ts';
import type { Expr } from './syntax/ast.ts';
import type { Diagnostic } from './syntax/diagnostic.ts';
import type { Location } from './syntax/location.ts';
import { parseQueryText } from './syntax/parse-module.ts';
import { runTests, type TestOptions, type TestReport } from './testing/run-tests.ts';
import { primitiveKey } from './value/key.ts';
import type { Value } from './value/value.ts';

/** Values of a query's variables, for one solution. */
export type Bindings = Readonly<Record<string, Value>>;

export interface EvaluateOptions {
  /** Nanoseconds since 1970 that `time.now_ns` answers; the policy's clock when absent. */
  readonly now?: bigint;
  readonly strictBuiltinErrors?: boolean;
}

/** A decision and the rule that made it. */
export interface Decision {
  readonly value: Value | undefined;
  /** Where the rule stands whose body held, or the default; undefined when no rule decided. */
  readonly rule: Location | undefined;
}

/** @throws EvaluationError when the evaluation fails: no answer may be read from that */
export type Evaluate<T> = (input: Value | undefined, options?: EvaluateOptions) => T;

export type Prepared<T> =
  | { readonly ok: true; readonly evaluate: Evaluate<T> }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

export interface PolicySettings extends QueryOptions {
  /** Absent: rules become closures, and no code is generated. */
  readonly code: CodeHost | undefined;
  readonly data: Value;
}

export class Policy {
  readonly #compilation: Compilation;
  readonly #settings: PolicySettings;
  #documents: Documents;
  #mockable: number;

  /** Made by `compile`. */
  constructor(compilation: Compilation, settings: PolicySettings) {
    this.#compilation = compilation;
    this.#settings = settings;
    this.#documents = buildDocuments(compilation, settings.code);
    this.#mockable = compilation.mockable.size;
  }

  /**
   * Prepares any query: `data.order.allow = x`, `input.user == "amal"; some role in data.roles`.
   * Each solution is one object of the query's variables.
   */
  query(text: string): Prepared<readonly Bindings[]> {
    const parsed = parseQueryText(text, 'v1');
    return parsed.ok ? this.#prepareBody(parsed.value) : parsed;
  }

  /** Like {@link query}, and each solution also has the values of the query's literals, as `opa eval` shows them. */
  results(text: string): Prepared<readonly QueryResult[]> {
    return prepareResults(text, (body) => this.#prepareBody(body));
  }

  /**
   * Evaluates once: what `data.order.allow` or another term is for an input, or all documents when no term is given.
   * {@link prepare} is for whoever evaluates the same again.
   *
   * @example
   * ```ts
   * import { compile } from '@sidegate/rego';
   *
   * const result = compile([{ file: 'order.rego', text: 'package order\nallow if input.user == "amal"' }]);
   * if (!result.ok) throw new Error(result.diagnostics.map(formatDiagnostic).join('\n'));
   * result.policy.evaluate({ user: 'amal' }, 'data.order.allow'); // true
   * result.policy.evaluate({ user: 'amal' }); // { order: { allow: true } }
   * ```
   * @throws TypeError when the query cannot be prepared, EvaluationError when the evaluation fails
   */
  evaluate(input: Value | undefined, text = 'data', options?: EvaluateOptions): Value | undefined {
    return this.#general(text)(input, options);
  }

  /**
   * Prepares a reference such as `data.order.allow` for many fast evaluations.
   * @throws TypeError when `text` is no reference to a document with a constant path
   */
  prepare(text: string): Evaluate<Value | undefined> {
    const { document, rest } = this.#locate(text);
    if (document === undefined || rest.length > 0) return this.#general(text);
    const documents = this.#documents;
    const run = documents.functions[document.id];
    if (run === undefined) throw new TypeError(`${text} has no compiled document`);
    return (input, options) => this.#guarded(documents, new QueryState(this.#settings, options), input, run);
  }

  /** Like {@link prepare}, and also tells which rule decided. */
  prepareDecision(text: string): Evaluate<Decision> {
    const { document, rest } = this.#locate(text);
    if (document === undefined || rest.length > 0) {
      const evaluate = this.#general(text);
      return (input, options) => ({ value: evaluate(input, options), rule: undefined });
    }
    const documents = this.#documents;
    const run = documents.functions[document.id];
    if (run === undefined) throw new TypeError(`${text} has no compiled document`);
    return (input, options) => {
      const query = new QueryState(this.#settings, options);
      query.watched = document.id;
      const value = this.#guarded(documents, query, input, run);
      return { value, rule: query.decidedBy };
    };
  }

  /** Runs the rules `test_…` of these modules, as `opa test` does; their `print` calls count only when `print` was given. */
  test(options?: TestOptions): TestReport {
    return runTests(this.#compilation, this.#settings, options);
  }

  /**
   * Why a reference such as `data.order.allow` has the value it has, and what would change it.
   * @throws TypeError when the query cannot be prepared
   */
  explain(text: string, input: Value | undefined, options?: ExplainOptions): Explanation {
    return explain(this.#compilation, this.#settings, { ...this.#checked(`result = ${text}`), text }, input, options);
  }

  /**
   * What the answer to a query can depend on: a cache of answers must have all of it in its key.
   * @throws TypeError when the query cannot be prepared
   */
  dependencies(text: string): Dependencies {
    return queryDependencies(this.#compilation, this.#checked(text));
  }

  #prepareBody(body: Expr[]): Prepared<readonly Bindings[]> {
    const checked = checkQuery(this.#compilation, body);
    if (checked.diagnostics.length > 0) return { ok: false, diagnostics: checked.diagnostics };
    const documents = this.#currentDocuments();
    const run = buildQuery(this.#compilation, checked, documents, this.#settings.code);
    const names = checked.variables.map(({ written }) => written);
    const evaluate: Evaluate<readonly Bindings[]> = (input, options) => {
      const answers: Value[][] = [];
      this.#guarded(documents, new QueryState(this.#settings, options), input, (context) => run(context, answers));
      return answers.map((values) => Object.fromEntries(names.map((name, i) => [name, values[i] as Value])));
    };
    return { ok: true, evaluate };
  }

  #checked(text: string): CheckedQuery {
    const parsed = parseQueryText(text, 'v1');
    if (!parsed.ok) throw new TypeError(parsed.diagnostics[0]?.message ?? `${text} cannot be parsed`);
    const checked = checkQuery(this.#compilation, parsed.value);
    const [wrong] = checked.diagnostics;
    if (wrong !== undefined) throw new TypeError(wrong.message);
    return checked;
  }

  /**
   * Whether a rule stands at a reference such as `data.order.allow`, or above what it names.
   * @throws TypeError when `text` is no reference to a document with a constant path
   */
  defines(text: string): boolean {
    return this.#locate(text).document !== undefined;
  }

  /** The document that a constant path names, and what follows it. */
  #locate(text: string): { document: VirtualDocument | undefined; rest: readonly unknown[] } {
    const path = constantPath(text);
    for (let length = path.length; length > 0; length -= 1) {
      const node = findNode(this.#compilation.tree, path.slice(0, length));
      if (node?.document !== undefined && node.document.kind !== 'function') {
        return { document: node.document, rest: path.slice(length) };
      }
    }
    return { document: undefined, rest: [] };
  }

  #general(text: string): Evaluate<Value | undefined> {
    const prepared = this.query(`result = ${text}`);
    if (!prepared.ok) throw new TypeError(prepared.diagnostics[0]?.message ?? `${text} cannot be prepared`);
    return (input, options) => prepared.evaluate(input, options)[0]?.['result'];
  }

  /** Functions that a query replaces must be looked up wherever rules call them. */
  #currentDocuments(): Documents {
    const { mockable } = this.#compilation;
    if (mockable.size > this.#mockable) {
      this.#documents = buildDocuments(this.#compilation, this.#settings.code);
      this.#mockable = mockable.size;
    }
    return this.#documents;
  }

  #guarded<T>(documents: Documents, query: QueryState, input: Value | undefined, run: (context: Context) => T): T {
    const context = new Context(documents, query, input, this.#settings.data);
    try {
      return run(context);
    } catch (error) {
      if (error instanceof EvaluationError) throw error;
      if (error instanceof RangeError) throw new EvaluationError('eval_cancel_error', 'evaluation nests too deeply');
      throw error;
    }
  }
}

function constantPath(text: string): (string | number | boolean | null)[] {
  const parsed = parseQueryText(text, 'v1');
  const [only, second]: readonly Expr[] = parsed.ok ? parsed.value : [];
  if (
    only?.kind !== 'term' ||
    second !== undefined ||
    only.term.kind !== 'ref' ||
    only.with.length > 0 ||
    only.negated
  ) {
    throw new TypeError(`${text} is not a reference to a document`);
  }
  const { head, path } = only.term;
  if (head.kind !== 'var' || head.name !== 'data') throw new TypeError(`${text} does not begin with data`);
  const keys: (string | number | boolean | null)[] = ['data'];
  for (const part of path) {
    const key = part.kind === 'scalar' ? primitiveKey(part.value) : undefined;
    if (key === undefined) throw new TypeError(`${text} is not a constant path`);
    keys.push(key);
  }
  return keys;
}

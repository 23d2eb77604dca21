/** Explanations: an evaluation that writes down what it tries, and the smallest change that would decide otherwise. */
import type { Compilation } from '../compile/context.ts';
import { lowerDocument, lowerQuery } from '../compile/lower.ts';
import type { CheckedQuery } from '../compile/query.ts';
import { closeDocuments, closeQuery } from '../evaluate/closures/run-document.ts';
import { Context } from '../evaluate/context.ts';
import { EvaluationError } from '../evaluate/evaluation-error.ts';
import { type QueryOptions, QueryState } from '../evaluate/query-state.ts';
import type { Value } from '../value/value.ts';
import { type Attempt, type Change, findChange, type SearchLimits } from './change.ts';
import type { DocumentTrace } from './trace.ts';
import { Tracer } from './tracer.ts';

export interface Explanation {
  readonly query: string;
  readonly input: Value | undefined;
  readonly value: Value | undefined;
  /** Why there is no answer. */
  readonly error: EvaluationError | undefined;
  /** What was tried, from the query on. */
  readonly documents: readonly DocumentTrace[];
  /** Too much happened to write all of it down. */
  readonly truncated: boolean;
  /** Undefined when the decision is none (neither boolean nor with an `allow`), or nothing was found within the limits. */
  readonly change: Change | undefined;
}

export interface ExplainOptions {
  /** Nanoseconds since 1970 that `time.now_ns` answers. */
  readonly now?: bigint;
  readonly limits?: Partial<SearchLimits>;
}

/** What explanations evaluate with. */
export interface ExplainEnvironment extends QueryOptions {
  readonly data: Value;
}

const LIMITS: SearchLimits = { evaluations: 500, edits: 6 };
/** For the whole search; each evaluation has the policy's own limits besides. */
const MAX_MILLISECONDS = 2_000;

export interface ExplainableQuery extends CheckedQuery {
  readonly text: string;
}

/** @param query binds its answer to `result` */
export function explain(
  c: Compilation,
  environment: ExplainEnvironment,
  query: ExplainableQuery,
  input: Value | undefined,
  { now = environment.now(), limits }: ExplainOptions = {},
): Explanation {
  const evaluate = traced(c, environment, query, now);
  const first = evaluate(input);
  const { value, error, trace } = first;
  const deadline = environment.elapsed() + MAX_MILLISECONDS;
  const attempt = (changed: Value): Attempt | undefined =>
    environment.elapsed() > deadline ? undefined : successful(evaluate(changed));
  // Nothing can be changed about an input that is missing.
  const start = input === undefined ? attempt({}) : successful(first);
  const change = start === undefined ? undefined : findChange(input ?? {}, start, attempt, { ...LIMITS, ...limits });
  return { query: query.text, input, value, error, documents: trace.documents, truncated: trace.truncated, change };
}

interface Traced extends Attempt {
  readonly error: EvaluationError | undefined;
}

function successful(attempt: Traced): Attempt | undefined {
  return attempt.error === undefined ? attempt : undefined;
}

function traced(
  c: Compilation,
  environment: ExplainEnvironment,
  query: CheckedQuery,
  now: bigint,
): (input: Value | undefined) => Traced {
  const tracer = new Tracer();
  const routines = c.tree.documents.map((document) => lowerDocument(c, document, { marked: true }));
  for (const routine of routines) tracer.learn(routine);
  const documents = closeDocuments(c, routines, tracer);
  const names = query.variables.map(({ name }) => name);
  const result = query.variables.findIndex(({ written }) => written === 'result');
  const run = closeQuery(c, lowerQuery(c, query.body, names, { marked: true }), documents, tracer);
  return (input) => {
    const answers: Value[][] = [];
    tracer.begin(input);
    try {
      run(new Context(documents, new QueryState(environment, { now }), input, environment.data), answers);
      return { value: answers[0]?.[result], error: undefined, trace: tracer.end() };
    } catch (error) {
      return { value: undefined, error: asEvaluationError(error), trace: tracer.end() };
    }
  };
}

function asEvaluationError(error: unknown): EvaluationError {
  if (error instanceof EvaluationError) return error;
  if (error instanceof RangeError) return new EvaluationError('eval_cancel_error', 'evaluation nests too deeply');
  throw error;
}

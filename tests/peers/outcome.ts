/** What two evaluators can say about a policy and a decision, and whether they say the same. */
import { EvaluationError, parseJson, toJson, type Value } from '@sidegate/rego';
import { equal } from '../../packages/rego/src/value/compare.ts';

/** A policy that does not compile: the codes of its errors, and every error for people. */
export interface Refused {
  readonly codes: ReadonlySet<string>;
  readonly texts: readonly string[];
}

export type Answer =
  | { readonly kind: 'value'; readonly value: Value | undefined }
  | { readonly kind: 'error'; readonly code: string };

/** Our answer. Only an EvaluationError is an answer; anything else that is thrown is a crash and goes on. */
export function answerOf(evaluate: () => Value | undefined): Answer {
  try {
    return { kind: 'value', value: evaluate() };
  } catch (error) {
    if (error instanceof EvaluationError) return { kind: 'error', code: error.code };
    throw error;
  }
}

/** Equal as JSON: `1.0` is `1`, a set is its sorted array. */
export function sameAnswer(a: Answer, b: Answer): boolean {
  if (a.kind === 'error' || b.kind === 'error') return a.kind === b.kind && show(a) === show(b);
  if (a.value === undefined || b.value === undefined) return a.value === b.value;
  return equal(parseJson(toJson(a.value)), parseJson(toJson(b.value)));
}

export function show(answer: Answer): string {
  if (answer.kind === 'error') return answer.code;
  return answer.value === undefined ? 'undefined' : toJson(answer.value);
}

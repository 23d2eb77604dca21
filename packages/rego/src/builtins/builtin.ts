/** What a builtin is: its name and operator, its declared types, and the function that answers. */
import type { Value } from '../value/value.ts';
import type { Host } from './host.ts';
import type { PatternCache } from './pattern-cache.ts';
import type { Type } from './type.ts';

export interface Builtin {
  readonly name: string;
  /** The operator, for builtins that have one. */
  readonly infix?: string;
  readonly args: readonly Type[];
  /** Type of any number of further arguments (`print`). */
  readonly variadic?: Type;
  /** Absent for a builtin that is called for its effect only. */
  readonly result?: Type;
  /** The answer is an array of answers of type `result`, and the call holds once for each (`walk`). */
  readonly relation?: true;
  /** The answer depends on more than the arguments (clock, random). */
  readonly nondeterministic?: true;
  readonly deprecated?: true;
  /** @returns undefined when the call is undefined; @throws BuiltinError */
  evaluate(context: BuiltinContext, ...args: readonly Value[]): Value | undefined;
}

/** What one query gives its builtins. */
export interface BuiltinContext {
  /** Nanoseconds since 1970, the same for the whole query. */
  readonly now: bigint;
  readonly host: Host;
  /** Answers that must not change within a query (`rand.intn`, `uuid.rfc4122`). */
  readonly cache: Map<string, unknown>;
  /** Compiled regular expressions and globs; lives as long as the policy. */
  readonly patterns: PatternCache;
  /** Seeded per query by the caller: a number in [0, 1). */
  random(): number;
  /** Counts work against the query's limit. @throws when the query has used it up */
  spend(steps: number): void;
  /** Where `print` writes; absent when nobody listens. */
  print?(line: string): void;
  /** What `opa.runtime()` answers. */
  readonly runtime: Value;
}

export type BuiltinErrorCode = 'eval_builtin_error' | 'eval_type_error';

/**
 * A builtin refused its arguments. The message lacks the builtin's name: whoever reports it writes
 * `<file>:<row>: <code>: <name>: <message>`.
 */
export class BuiltinError extends Error {
  override readonly name = 'BuiltinError';
  readonly code: BuiltinErrorCode;

  constructor(message: string, code: BuiltinErrorCode = 'eval_builtin_error') {
    super(message);
    this.code = code;
  }
}

/** What one evaluation shares: its clock, its limits, its builtins' context, and which rule decided. */
import { type Builtin, type BuiltinContext, BuiltinError } from '../builtins/builtin.ts';
import type { Host } from '../builtins/host.ts';
import type { PatternCache } from '../builtins/pattern-cache.ts';
import type { Location } from '../syntax/location.ts';
import { divide, numberFromInteger } from '../value/number.ts';
import type { Value } from '../value/value.ts';
import { EvaluationError } from './evaluation-error.ts';

/** How often the clock is looked at, in steps. */
const STRIDE = 4096;

export interface QueryOptions {
  readonly host: Host;
  readonly patterns: PatternCache;
  /** Nanoseconds since 1970, for `time.now_ns`. */
  readonly now: () => bigint;
  /** Milliseconds, for the time limit only. */
  readonly elapsed: () => number;
  readonly random: () => number;
  readonly maxSteps: number;
  readonly maxMilliseconds: number;
  /** A builtin's error ends the evaluation instead of making the literal undefined. */
  readonly strictBuiltinErrors: boolean;
  readonly runtime: Value;
  readonly print?: ((line: string) => void) | undefined;
}

/** What one evaluation may set for itself. */
export interface EvaluationOptions {
  readonly now?: bigint;
  readonly strictBuiltinErrors?: boolean;
}

export class QueryState implements BuiltinContext {
  /** Steps until the limits are looked at again. */
  fuel = STRIDE;
  /** The document whose deciding rule somebody asks for, by its number; none has -1. */
  watched = -1;
  /** The rule that gave the watched document its value. */
  decidedBy: Location | undefined;
  private readonly options: QueryOptions;
  private readonly strict: boolean;
  private stepsLeft: number;
  private deadline: number | undefined;
  private currentTime: bigint | undefined;
  private answers: Map<string, unknown> | undefined;

  constructor(options: QueryOptions, evaluation: EvaluationOptions | undefined) {
    this.options = options;
    this.stepsLeft = options.maxSteps;
    this.currentTime = evaluation?.now;
    this.strict = evaluation?.strictBuiltinErrors ?? options.strictBuiltinErrors;
  }

  get now(): bigint {
    this.currentTime ??= this.options.now();
    return this.currentTime;
  }

  /** The time in units of `divisor` nanoseconds, as `time.now_ns() / divisor` is. */
  nowIn(divisor: number): Value {
    return divide(numberFromInteger(this.now), divisor);
  }

  /** Near {@link nowIn}: off by a 2^52th of it. */
  aboutNowIn(divisor: number): number {
    return Number(this.now) / divisor;
  }

  get host(): Host {
    return this.options.host;
  }

  get runtime(): Value {
    return this.options.runtime;
  }

  get patterns(): PatternCache {
    return this.options.patterns;
  }

  get cache(): Map<string, unknown> {
    this.answers ??= new Map();
    return this.answers;
  }

  random(): number {
    return this.options.random();
  }

  print(line: string): void {
    this.options.print?.(line);
  }

  spend(steps: number): void {
    this.fuel -= steps;
    if (this.fuel < 0) this.exhausted();
  }

  /** Called when the fuel is used up: takes the next portion, or ends the evaluation. */
  exhausted(): void {
    this.stepsLeft -= STRIDE - this.fuel;
    this.fuel = STRIDE;
    if (this.stepsLeft < 0) throw new EvaluationError('eval_cancel_error', 'evaluation took too many steps');
    const time = this.options.elapsed();
    this.deadline ??= time + this.options.maxMilliseconds;
    if (time > this.deadline) throw new EvaluationError('eval_cancel_error', 'evaluation took too long');
  }

  /** What a call amounts to whose builtin threw. */
  failed(error: unknown, builtin: Builtin, site: Location): undefined {
    if (error instanceof RangeError) {
      throw new EvaluationError('eval_cancel_error', `${builtin.name}: value is too deep or too large`, site);
    }
    if (!(error instanceof BuiltinError)) throw error;
    if (!this.strict) return undefined;
    throw new EvaluationError(error.code, `${builtin.name}: ${error.message}`, site);
  }
}

/** The embedded engine: Rego compiled to JavaScript, deciding in this process. Only `true` allows. */
import path from 'node:path';
import {
  compile,
  type Dependencies,
  type Diagnostic,
  type Evaluate,
  EvaluationError,
  type Policy,
  type Decision as RegoDecision,
  toNative,
  type Value,
} from '@sidegate/rego';
import type { Decision, PolicyInput } from './decision.ts';
import { readAnswer } from './policy-answer.ts';
import type { PolicyFinding } from './policy-finding.ts';
import { type PolicyLocations, type PolicySources, readPolicySources } from './policy-sources.ts';

export interface RuleOptions {
  /** `data.<package>.<rule>`. */
  readonly query: string;
  readonly clock: { now(): number };
  /** Told of each line that a policy prints; absent: nothing is printed. */
  readonly onPrint?: ((line: string) => void) | undefined;
}

export interface OpaEmbeddedOptions extends Omit<PolicyLocations, 'tests'>, RuleOptions {}

/** Decides at once, in this process. */
export interface EmbeddedEngine {
  readonly decide: (input: PolicyInput) => Decision;
  /** What a decision can depend on. */
  readonly reads: Dependencies;
}

export type LoadedEngine = { readonly ok: true; readonly value: EmbeddedEngine } | Refused;

interface Refused {
  readonly ok: false;
  readonly findings: readonly PolicyFinding[];
}

/** Reads and compiles everything; one wrong file refuses them all, with every finding. */
export function loadOpaEmbedded({ query, clock, onPrint, ...locations }: OpaEmbeddedOptions): LoadedEngine {
  const [place = ''] = locations.policies;
  return compileOpaEmbedded(readPolicySources({ ...locations, tests: false }), { place, query, clock, onPrint });
}

/** @param place what findings about all of it name */
export function compileOpaEmbedded(
  sources: PolicySources,
  { place, query, clock, onPrint }: RuleOptions & { readonly place: string },
): LoadedEngine {
  if (!sources.ok) return sources;
  const { modules, data } = sources;
  if (modules.length === 0) return refused(place, 'has no policy', 'put at least one .rego file there');
  const compiled = compile(modules, {
    data,
    limits: LIMITS,
    ...(onPrint === undefined ? {} : { print: (line) => onPrint(line.slice(0, MAX_PRINTED)) }),
  });
  if (!compiled.ok) return { ok: false, findings: compiled.diagnostics.map(asFinding) };
  const decision = prepared(compiled.policy, query);
  if (decision === undefined) return refused(place, `has no rule ${query}`, 'name a rule that stands there');
  const reads = compiled.policy.dependencies(query);
  return { ok: true, value: { decide: createEngine(decision, clock), reads } };
}

/** Time and rules are written once for the many decisions that they come with. */
function createEngine(evaluate: Evaluate<RegoDecision>, clock: RuleOptions['clock']): EmbeddedEngine['decide'] {
  const places = new WeakMap<object, string>();
  let now = { ms: Number.NaN, ns: 0n };
  const placeOf = (rule: NonNullable<RegoDecision['rule']>): string => {
    let place = places.get(rule);
    if (place === undefined) {
      place = `${path.basename(rule.file)}:${rule.row}`;
      places.set(rule, place);
    }
    return place;
  };
  return (input) => {
    const ms = Math.trunc(clock.now());
    if (ms !== now.ms) now = { ms, ns: BigInt(ms) * 1_000_000n };
    return decide(evaluate, input, { now: now.ns, placeOf });
  };
}

function prepared(policy: Policy, query: string): Evaluate<RegoDecision> | undefined {
  try {
    return policy.defines(query) ? policy.prepareDecision(query) : undefined;
  } catch (error) {
    // It is no reference, so that no rule can stand there.
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
}

/** Far above what a policy of requests needs, far below what would hold up the others. */
/** Characters of one line that a policy prints. */
const MAX_PRINTED = 1_024;
const LIMITS = { steps: 1_000_000, milliseconds: 50 };

interface Circumstances {
  /** Nanoseconds since the epoch. */
  readonly now: bigint;
  /** `file:line` of a rule. */
  readonly placeOf: (rule: NonNullable<RegoDecision['rule']>) => string;
}

function decide(evaluate: Evaluate<RegoDecision>, input: PolicyInput, { now, placeOf }: Circumstances): Decision {
  try {
    const { value, rule } = evaluate(input as unknown as Value, { now });
    const decision = readAnswer(value === undefined || typeof value === 'boolean' ? value : toNative(value));
    return rule === undefined ? decision : { ...decision, rule: placeOf(rule) };
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    const failure = error.code === 'eval_cancel_error' ? 'policy_timeout' : 'policy_error';
    return { allow: false, failure, reasons: [error.message] };
  }
}

function asFinding({ code, message, location }: Diagnostic): PolicyFinding {
  return {
    file: location.file,
    line: location.row,
    column: location.col,
    severity: 'error',
    message: `${code}: ${message}`,
    hint: '',
  };
}

function refused(file: string, message: string, hint: string): Refused {
  return { ok: false, findings: [{ file, severity: 'error', message, hint }] };
}

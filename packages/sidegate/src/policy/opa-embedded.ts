/** The embedded engine: Rego compiled to JavaScript, deciding in this process. Only `true` allows. */
import path from 'node:path';
import {
  compile,
  type Diagnostic,
  type Evaluate,
  EvaluationError,
  type Policy,
  type Decision as RegoDecision,
  toNative,
  type Value,
} from '@sidegate/rego';
import type { Decision, PolicyEngine, PolicyInput } from './decision.ts';
import type { PolicyFinding } from './policy-finding.ts';
import { type PolicyLocations, readPolicySources } from './policy-sources.ts';

export interface OpaEmbeddedOptions extends Omit<PolicyLocations, 'tests'> {
  /** `data.<package>.<rule>`. */
  readonly query: string;
  readonly clock: { now(): number };
}

export type LoadedEngine = { readonly ok: true; readonly value: PolicyEngine } | Refused;

interface Refused {
  readonly ok: false;
  readonly findings: readonly PolicyFinding[];
}

/** Reads and compiles everything; one wrong file refuses them all, with every finding. */
export function loadOpaEmbedded({ query, clock, ...locations }: OpaEmbeddedOptions): LoadedEngine {
  const sources = readPolicySources({ ...locations, tests: false });
  if (!sources.ok) return sources;
  const { modules, data } = sources;
  const [place = ''] = locations.policies;
  if (modules.length === 0) return refused(place, 'has no policy', 'put at least one .rego file there');
  const compiled = compile(modules, { data, limits: LIMITS });
  if (!compiled.ok) return { ok: false, findings: compiled.diagnostics.map(asFinding) };
  const decision = prepared(compiled.policy, query);
  if (decision === undefined) return refused(place, `has no rule ${query}`, 'name a rule that stands there');
  return { ok: true, value: createEngine(decision, clock) };
}

/** Time and rules are written once for the many decisions that they come with. */
function createEngine(evaluate: Evaluate<RegoDecision>, clock: OpaEmbeddedOptions['clock']): PolicyEngine {
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
    const decision = read(value === undefined || typeof value === 'boolean' ? value : toNative(value));
    return rule === undefined ? decision : { ...decision, rule: placeOf(rule) };
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    const failure = error.code === 'eval_cancel_error' ? 'policy_timeout' : 'policy_error';
    return { allow: false, failure, reasons: [error.message] };
  }
}

/** A boolean, or an object with `allow`, `reasons` and `audit`; anything else is no answer. */
function read(value: unknown): Decision {
  if (value === undefined) return { allow: false, failure: 'policy_undefined', reasons: ['the policy is undefined'] };
  if (typeof value === 'boolean') return { allow: value, reasons: value ? [] : ['no rule allows this request'] };
  if (typeof value !== 'object' || value === null) return notADecision();
  const { allow, reasons, audit } = value as Readonly<Record<string, unknown>>;
  if (typeof allow !== 'boolean') return notADecision();
  return {
    allow,
    reasons: Array.isArray(reasons) ? reasons.filter((reason) => typeof reason === 'string') : [],
    ...(typeof audit === 'object' && audit !== null ? { audit: audit as Readonly<Record<string, unknown>> } : {}),
  };
}

function notADecision(): Decision {
  const reasons = ['the policy answered neither true, false nor an object with a boolean "allow"'];
  return { allow: false, failure: 'policy_undefined', reasons };
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

/** The embedded engine: Rego compiled to JavaScript, deciding in this process. Only `true` allows. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  compile,
  type Diagnostic,
  type Evaluate,
  EvaluationError,
  type ModuleSource,
  NODE_HOST,
  parseJson,
  type Decision as RegoDecision,
  toNative,
  type Value,
} from '@sidegate/rego';
import type { Decision, PolicyEngine, PolicyInput } from './decision.ts';
import { isPolicyBundle, readPolicyBundle } from './policy-bundle.ts';
import type { PolicyFinding } from './policy-finding.ts';
import { YAML } from './rego-yaml.ts';

export interface OpaEmbeddedOptions {
  /** Folder of `.rego` files, with all folders below, or a bundle (`.tar.gz`); `*_test.rego` is not loaded. */
  readonly directory: string;
  /** JSON document that policies see as `data`. */
  readonly dataFile?: string;
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
export function loadOpaEmbedded(options: OpaEmbeddedOptions): LoadedEngine {
  const { directory, query, clock } = options;
  const sources = isPolicyBundle(directory)
    ? readPolicyBundle({ file: directory, dataFile: options.dataFile, tests: false })
    : readFolder(options);
  if (!sources.ok) return sources;
  const { modules, data } = sources;
  if (modules.length === 0) return refused(directory, 'has no policy', 'put at least one .rego file there');
  const compiled = compile(modules, { data, limits: LIMITS, host: HOST });
  if (!compiled.ok) return { ok: false, findings: compiled.diagnostics.map(asFinding) };
  if (!compiled.policy.defines(query)) {
    return refused(directory, `has no rule ${query}`, 'proxy.authz.policy_query must name a rule that stands there');
  }
  const decision = compiled.policy.prepareDecision(query);
  return { ok: true, value: (input) => decide(decision, input, clock.now()) };
}

type Sources = { readonly ok: true; readonly modules: readonly ModuleSource[]; readonly data: Value } | Refused;

function readFolder({ directory, dataFile }: OpaEmbeddedOptions): Sources {
  try {
    const modules = regoFiles(directory).map((file) => ({ file, text: readFileSync(file, 'utf8') }));
    const data = dataFile === undefined ? {} : parseJson(readFileSync(dataFile, 'utf8'));
    return { ok: true, modules, data };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return refused(directory, `cannot be read (${code})`, 'policy.path must be a readable folder, or a .tar.gz bundle');
  }
}

const HOST = { ...NODE_HOST, yaml: YAML };

/** Far above what a policy of requests needs, far below what would hold up the others. */
const LIMITS = { steps: 1_000_000, milliseconds: 50 };

function decide(evaluate: Evaluate<RegoDecision>, input: PolicyInput, nowMs: number): Decision {
  try {
    const { value, rule } = evaluate(input as unknown as Value, { now: BigInt(Math.trunc(nowMs)) * 1_000_000n });
    const decision = read(value === undefined || typeof value === 'boolean' ? value : toNative(value));
    return rule === undefined ? decision : { ...decision, rule: `${path.basename(rule.file)}:${rule.row}` };
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

function regoFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.rego') && !entry.name.endsWith('_test.rego'))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
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

/** Policy files to a {@link Policy}, for any platform: what the platform lends is given. */
import type { Builtin } from './builtins/builtin.ts';
import type { Host } from './builtins/host.ts';
import { unavailableBuiltins } from './builtins/host-needs.ts';
import { PatternCache } from './builtins/pattern-cache.ts';
import { BUILTINS, EXCLUDED, isBuiltin } from './builtins/registry.ts';
import { newCompilation, runPasses } from './compile/passes.ts';
import type { CodeHost } from './evaluate/code-host.ts';
import { Policy, type PolicySettings } from './policy.ts';
import type { Module } from './syntax/ast.ts';
import type { RegoVersion } from './syntax/cursor.ts';
import { type Diagnostic, sortDiagnostics } from './syntax/diagnostic.ts';
import { NOWHERE } from './syntax/location.ts';
import { parseModule } from './syntax/parse-module.ts';
import type { Value } from './value/value.ts';

/** A policy file: its name for messages, and its text. */
export interface ModuleSource {
  readonly file: string;
  readonly text: string;
  /** The file's language, when it is not that of {@link CompileOptions}. */
  readonly version?: RegoVersion;
}

/** A platform without `compileFunction` evaluates closures. */
export type PlatformHost = Host & Partial<CodeHost>;

export interface CompileOptions {
  /** Base documents, read as `data`. */
  readonly data?: Value;
  /** The language of files that do not import `rego.v1`; v1 when absent. */
  readonly version?: RegoVersion;
  /** Refuses also what OPA refuses under `--strict`: unused imports, variables and arguments, deprecated builtins. */
  readonly strict?: boolean;
  /** Nanoseconds since 1970, for `time.now_ns`; the system's clock when absent. */
  readonly clock?: () => bigint;
  readonly random?: () => number;
  /** How much one evaluation may do before it is refused; an error, and so never an allow. */
  readonly limits?: { readonly steps?: number; readonly milliseconds?: number };
  /** What `opa.runtime()` answers; `{}` when absent. */
  readonly runtime?: Value;
  /** Receives what `print` writes; nobody does when absent. */
  readonly print?: (line: string) => void;
  /** Whether rules become generated JavaScript (the default) or closures, for places where code must not be generated. */
  readonly backend?: 'generated' | 'closures';
  /** Builtins of your own; one of OPA's with the same name is replaced. */
  readonly builtins?: readonly Builtin[];
  /** What the platform lends; when absent, Node's own, and nothing in a browser. */
  readonly host?: PlatformHost;
}

export type CompileResult =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

const MAX_STEPS = 20_000_000;
const MAX_MILLISECONDS = 1_000;

export function compileModules(
  modules: readonly ModuleSource[],
  options: CompileOptions,
  host: PlatformHost,
): CompileResult {
  const parsed: Module[] = [];
  const failures: Diagnostic[] = [];
  for (const { file, text, version } of modules) {
    const result = parseModule(file, text, version ?? options.version ?? 'v1', isBuiltin);
    if (result.ok) parsed.push(result.value);
    else failures.push(...result.diagnostics);
  }
  if (failures.length > 0) return { ok: false, diagnostics: sortDiagnostics(failures) };
  return guarded(parsed, () => {
    const unavailable = unavailableBuiltins(BUILTINS.keys(), host);
    const available = [...BUILTINS].filter(([name]) => !unavailable.has(name));
    const compilation = newCompilation(parsed, {
      builtins: new Map([...available, ...(options.builtins ?? []).map((each) => [each.name, each] as const)]),
      excluded: new Map([...EXCLUDED, ...unavailable]),
      strict: options.strict === true,
      printing: options.print !== undefined,
    });
    const diagnostics = runPasses(compilation);
    if (diagnostics.length > 0) return { ok: false, diagnostics };
    return { ok: true, policy: new Policy(compilation, settings(options, host)) };
  });
}

/** The passes recurse as deeply as the policy nests; no policy that people write comes near the end of the stack. */
function guarded(modules: readonly Module[], build: () => CompileResult): CompileResult {
  try {
    return build();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const location = modules[0]?.package.location ?? NOWHERE;
    return { ok: false, diagnostics: [{ code: 'rego_compile_error', message: 'policy nests too deeply', location }] };
  }
}

function settings(options: CompileOptions, host: PlatformHost): PolicySettings {
  const { compileFunction } = host;
  return {
    host,
    code: options.backend === 'closures' || compileFunction === undefined ? undefined : { compileFunction },
    data: options.data ?? {},
    now: options.clock ?? (() => BigInt(Date.now()) * 1_000_000n),
    elapsed: () => performance.now(),
    patterns: new PatternCache(),
    random: options.random ?? Math.random,
    maxSteps: options.limits?.steps ?? MAX_STEPS,
    maxMilliseconds: options.limits?.milliseconds ?? MAX_MILLISECONDS,
    strictBuiltinErrors: false,
    runtime: options.runtime ?? {},
    print: options.print,
  };
}

/**
 * Text to a typed configuration, or to all its errors: YAML, variables, overrides, secrets, schema, paths. Every kind of
 * file goes this way. Fails closed: one finding of severity `error` means no configuration.
 */
import type { z } from 'zod';
import { byPosition, type Diagnostic } from './diagnostic.ts';
import { type Draft, placed, setValue } from './draft.ts';
import type { Environment } from './interpolate.ts';
import { describeIssue, issueDiagnostics } from './issues.ts';
import { applyOverrides } from './overrides.ts';
import type { Finding } from './schema/rule.ts';
import { readSecrets } from './secret-files.ts';
import { shapeOf, visit } from './shape.ts';
import { replaceVariables, type Scope } from './variables.ts';
import { readYaml } from './yaml-source.ts';

/** One kind of configuration file. */
export interface DocumentKind<T> {
  readonly schema: z.ZodType<T>;
  /** Environment variables that start with it override keys. */
  readonly overridePrefix: string | undefined;
  /** Where variables are replaced: only in secrets for a file that may hold `${…}` of another program. */
  readonly variables: Scope;
  /** What a secret written in the file is. */
  readonly secretLiterals: Diagnostic['severity'];
  /** Findings that do not stop the start. */
  readonly warnings?: (config: T) => Iterable<Finding>;
}

export interface LoadOptions {
  /** The name of the file in diagnostics. */
  readonly file: string;
  readonly env: Environment;
  /** Reads the file that a `*_file` key of a secret names, as resolved by `resolvePath`; throws when it cannot. */
  readonly readFile: (path: string) => string;
  /** What a path in the file means on this machine; absent: what is written. */
  readonly resolvePath?: (path: string) => string;
}

export type Loaded<T> =
  | { readonly ok: true; readonly config: T; readonly warnings: readonly Diagnostic[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Reads a configuration file of any kind; no text makes it throw. */
export function loadDocument<T>(kind: DocumentKind<T>, text: string, options: LoadOptions): Loaded<T> {
  const { file, resolvePath = (path: string) => path } = options;
  const { value, positions, diagnostics: unreadable } = readYaml(text, file);
  if (value === undefined) return { ok: false, diagnostics: unreadable.toSorted(byPosition) };
  const draft: Draft = { file, value: value ?? {}, shape: shapeOf(kind.schema), positions };
  const prepared = [...unreadable, ...prepare(kind, draft, { ...options, resolvePath })];
  const parsed = kind.schema.safeParse(draft.value, { error: describeIssue });
  const settled = new Set(prepared.map(({ path }) => path));
  const issues = (parsed.error?.issues ?? [])
    .flatMap((issue) => issueDiagnostics(draft, issue))
    .filter(({ path }) => path === '' || !settled.has(path));
  const warnings = parsed.success
    ? Array.from(kind.warnings?.(parsed.data) ?? [], (finding) => placed(draft, 'warning', finding))
    : [];
  const diagnostics = [...prepared, ...issues, ...warnings].sort(byPosition);
  if (!parsed.success || diagnostics.some(({ severity }) => severity === 'error')) return { ok: false, diagnostics };
  resolvePaths({ ...draft, value: parsed.data }, resolvePath);
  return { ok: true, config: parsed.data, warnings: diagnostics };
}

/** Everything that happens to values before the schema sees them. */
function prepare<T>(kind: DocumentKind<T>, draft: Draft, options: Required<LoadOptions>): readonly Diagnostic[] {
  const { env, readFile, resolvePath } = options;
  const overrides = applyOverrides(draft, kind.overridePrefix, env);
  // what an override replaced is gone, also a variable that is missing there
  const variables = replaceVariables(draft, { scope: kind.variables, env, except: overrides.overridden });
  const secrets = readSecrets(draft, {
    literals: kind.secretLiterals,
    fromEnvironment: variables.fromEnvironment.union(overrides.overridden),
    readFile: (path) => readFile(resolvePath(path)),
  });
  return [...overrides.diagnostics, ...variables.diagnostics, ...secrets];
}

/** Resolved last, so that default paths are as well. */
function resolvePaths(draft: Draft, resolvePath: (path: string) => string): void {
  visit(draft.shape, draft.value, (path, value, shapes) => {
    if (typeof value !== 'string' || !shapes.some(({ format }) => format === 'path')) return;
    setValue(draft, path, resolvePath(value));
  });
}

/** `${VAR}` and `${VAR:-default}` in the strings of a configuration file. */
import type { Diagnostic, DiagnosticCode } from './diagnostic.ts';
import { type Draft, placed, setValue } from './draft.ts';
import { pathId } from './key-path.ts';
import { visit } from './shape.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Interpolated {
  readonly text: string;
  /** Whether the text named any variable. */
  readonly replaced: boolean;
  /** Variables that are not set and have no default. */
  readonly missing: readonly string[];
  /** Whether some `${` is not closed or names no variable. */
  readonly malformed: boolean;
}

/** Replaces variables once: what they hold is never read again. An empty variable counts as set, except before `:-`. */
export function interpolate(text: string, env: Environment): Interpolated {
  const missing: string[] = [];
  let replaced = false;
  let malformed = false;
  const result = text.replace(
    /\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\})?/g,
    (_, name?: string, fallback?: string) => {
      if (name === undefined) {
        malformed = true;
        return '';
      }
      replaced = true;
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      if (fallback !== undefined) return value || fallback.slice(2);
      if (value === undefined) missing.push(name);
      return value ?? '';
    },
  );
  return { text: result, replaced, missing, malformed };
}

/** Which strings of a document may name variables. */
export type Scope = 'everywhere' | 'secrets';

export interface Variables {
  readonly diagnostics: readonly Diagnostic[];
  /** `pathId` of every string that named one. */
  readonly replaced: ReadonlySet<string>;
}

export interface VariableOptions {
  readonly scope: Scope;
  readonly env: Environment;
  /** `pathId` of the strings to leave alone. */
  readonly except: ReadonlySet<string>;
}

/** Replaces the variables in the strings of a draft. */
export function replaceVariables(draft: Draft, { scope, env, except }: VariableOptions): Variables {
  const diagnostics: Diagnostic[] = [];
  const replaced = new Set<string>();
  visit(draft.shape, draft.value, (path, value, shapes) => {
    if (typeof value !== 'string' || !value.includes('${') || except.has(pathId(path))) return;
    if (scope === 'secrets' && !shapes.some(({ writeOnly }) => writeOnly)) return;
    const result = interpolate(value, env);
    const report = (code: DiagnosticCode, message: string, hint: string): number =>
      diagnostics.push(placed(draft, 'error', { path, code, message, hint }));
    for (const name of result.missing) {
      report('missing_variable', `needs the environment variable ${name}, which is not set`, `set ${name}`);
    }
    if (result.malformed)
      report('invalid_value', 'has `${` without a variable name and `}`', '${NAME} or ${NAME:-default}');
    if (result.replaced) replaced.add(pathId(path));
    setValue(draft, path, result.text);
  });
  return { diagnostics, replaced };
}

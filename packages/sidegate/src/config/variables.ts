/** Replaces the variables in a document. */
import type { Diagnostic, DiagnosticCode } from './diagnostic.ts';
import { type Draft, placed, setValue } from './draft.ts';
import { type Environment, interpolate, isOnlyVariables } from './interpolate.ts';
import { pathId } from './key-path.ts';
import { visit } from './shape.ts';

/** Which strings of a document may name variables. */
export type Scope = 'everywhere' | 'secrets';

export interface Variables {
  readonly diagnostics: readonly Diagnostic[];
  /** `pathId` of every string of which the file holds nothing but the names of variables. */
  readonly fromEnvironment: ReadonlySet<string>;
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
  const fromEnvironment = new Set<string>();
  visit(draft.shape, draft.value, (path, value, shapes) => {
    if (typeof value !== 'string' || !value.includes('${') || except.has(pathId(path))) return;
    if (scope === 'secrets' && !shapes.some(({ writeOnly }) => writeOnly)) return;
    const result = interpolate(value, env);
    const report = (code: DiagnosticCode, message: string, hint: string): number =>
      diagnostics.push(placed(draft, 'error', { path, code, message, hint }));
    for (const name of result.missing) {
      report('missing_variable', `needs the environment variable ${name}, which is not set`, `set ${name}`);
    }
    if (result.malformed) {
      report('invalid_value', 'has `${` without a variable name and `}`', '${NAME} or ${NAME:-default}');
    }
    if (isOnlyVariables(value)) fromEnvironment.add(pathId(path));
    setValue(draft, path, result.text);
  });
  return { diagnostics, fromEnvironment };
}

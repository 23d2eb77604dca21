/** Policies parsed, to hold them against roots and data. */
import { isBuiltin } from '../builtins/registry.ts';
import type { Module } from '../syntax/ast.ts';
import type { RegoVersion } from '../syntax/cursor.ts';
import { parseModule } from '../syntax/parse-module.ts';
import type { BundleDiagnostic } from './bundle-diagnostic.ts';

interface ParsedFrom {
  readonly file: string;
  readonly text: string;
  readonly version: RegoVersion;
}

/** A policy that cannot be parsed has no package and no rules; what is wrong with it is told as `compile` would. */
export function parseModules(modules: readonly ParsedFrom[], diagnostics: BundleDiagnostic[]): readonly Module[] {
  return modules.flatMap(({ file, text, version }) => {
    const parsed = parseModule(file, text, version, isBuiltin);
    if (parsed.ok) return [parsed.value];
    for (const { code, message, location } of parsed.diagnostics) {
      diagnostics.push({ file, line: location.row, column: location.col, message: `${code}: ${message}`, hint: '' });
    }
    return [];
  });
}

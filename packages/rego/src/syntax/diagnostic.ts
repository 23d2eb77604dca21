/** What a loader says about a policy: OPA's codes and texts, so that its users recognise them. */
import { compareLocations, type Location } from './location.ts';

export type DiagnosticCode =
  | 'rego_parse_error'
  | 'rego_compile_error'
  | 'rego_type_error'
  | 'rego_unsafe_var_error'
  | 'rego_recursion_error';

export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly location: Location;
  /** The text can be read, but what it says is no rule: about a statement, not about a place in it. */
  readonly isStatement?: boolean;
  /** What is behind it, line by line: the types that do not match. */
  readonly details?: readonly string[];
}

export function syntaxError(message: string, location: Location): Diagnostic {
  return { code: 'rego_parse_error', message, location };
}

/** Renders `file:row: code: message`, the form OPA prints. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, row } = diagnostic.location;
  return `${file}:${row}: ${diagnostic.code}: ${diagnostic.message}`;
}

/** Diagnostics in reading order; those of one place as they were found. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted((a, b) => compareLocations(a.location, b.location));
}

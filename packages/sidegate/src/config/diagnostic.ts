/** One finding about a configuration file, for people: where it is, what was refused, what to do. */

export interface Diagnostic {
  /** The file as the user named it, or `env:NAME` for a value that came from the environment. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  readonly severity: 'error' | 'warning';
  readonly code: DiagnosticCode;
  /** The key, as in `egress.routes[0].target`; empty for the whole document. */
  readonly path: string;
  /** What is wrong; never holds a configured value, which could be a secret. */
  readonly message: string;
  /** What to do about it; empty when the message says it all. */
  readonly hint: string;
}

export type DiagnosticCode =
  | 'syntax'
  | 'too_large'
  | 'duplicate_key'
  | 'unknown_key'
  | 'missing_key'
  | 'wrong_type'
  | 'invalid_value'
  | 'conflict'
  | 'missing_variable'
  | 'secret_literal'
  | 'unreadable_file'
  | 'unknown_override'
  | 'identities_missing'
  | 'no_effect'
  | 'insecure';

/** `file:line:column: error: message (hint)`, always one line. */
export function renderDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, severity, path, message, hint } = diagnostic;
  const where = path === '' ? '' : `${path}: `;
  const advice = hint === '' ? '' : ` (${hint})`;
  return `${file}:${line}:${column}: ${severity}: ${where}${message}${advice}`;
}

/** Orders by file, then position; findings of the environment come last. */
export function byPosition(a: Diagnostic, b: Diagnostic): number {
  const environment = Number(a.file.startsWith('env:')) - Number(b.file.startsWith('env:'));
  return environment || a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column;
}

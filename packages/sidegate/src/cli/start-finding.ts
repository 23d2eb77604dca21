/** Everything that keeps a process from starting, in one form and all at once. */

import type { Diagnostic } from '../config/diagnostic.ts';
import { EXIT } from './exit-code.ts';
import { printEvent } from './print-event.ts';

export interface StartFinding {
  readonly file: string;
  /** From 1; absent when the finding is about the whole file. */
  readonly line?: number;
  readonly column?: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly hint: string;
}

/** `file:line:column: error: message (hint)`. */
export function renderFinding({ file, line, column, severity, message, hint }: StartFinding): string {
  const position = line === undefined ? '' : `:${line}:${column ?? 1}`;
  return `${file}${position}: ${severity}: ${message}${hint === '' ? '' : ` (${hint})`}`;
}

/** Thrown to stop a start; the command prints the findings and exits 78. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
  readonly findings: readonly StartFinding[];

  constructor(findings: readonly StartFinding[]) {
    super(findings.map(renderFinding).join('\n'));
    this.findings = findings;
  }
}

/** A finding about a configuration file, with the key in its message. */
export function fromDiagnostic({ path: key, message, ...rest }: Diagnostic): StartFinding {
  return { ...rest, message: key === '' ? message : `${key}: ${message}` };
}

/** Tells why a start was refused, as text on standard error or as one JSON line on standard output. */
export function reportRefusal({ findings }: StartRefused, json: boolean): typeof EXIT.config {
  if (json) printEvent({ event: 'refused', findings }, 'error');
  else for (const finding of findings) process.stderr.write(`${renderFinding(finding)}\n`);
  return EXIT.config;
}

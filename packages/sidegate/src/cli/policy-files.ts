/** Policies and their data from a folder, for the commands that look at them without a sidecar. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type CompileOptions, compile, type Policy, parseJson, type Value } from '@sidegate/rego';
import { renderFinding, type StartFinding } from './start-finding.ts';

export interface PolicyFiles {
  readonly directory: string;
  /** JSON document that policies see as `data`. */
  readonly dataFile: string | undefined;
  /** Whether `*_test.rego` belongs to it. */
  readonly tests: boolean;
}

export type LoadedPolicy =
  | { readonly ok: true; readonly policy: Policy; readonly files: readonly string[] }
  | { readonly ok: false; readonly findings: readonly StartFinding[] };

/** Compiles everything, or says everything that is wrong. */
export function loadPolicy({ directory, dataFile, tests }: PolicyFiles, options: CompileOptions = {}): LoadedPolicy {
  const findings: StartFinding[] = [];
  const files = attempt(findings, directory, 'give a readable folder', () => regoFiles(directory, tests)) ?? [];
  const modules = files.flatMap((file) => {
    const text = attempt(findings, file, 'make it readable', () => readFileSync(file, 'utf8'));
    return text === undefined ? [] : [{ file, text }];
  });
  const data = dataFile === undefined ? {} : readDocument(findings, dataFile);
  if (findings.length === 0 && modules.length === 0) {
    findings.push(finding(directory, 'has no policy', 'put at least one .rego file there'));
  }
  if (findings.length > 0 || data === undefined) return { ok: false, findings };
  const compiled = compile(modules, { ...options, data });
  if (compiled.ok) return { ok: true, policy: compiled.policy, files };
  const wrong = compiled.diagnostics.map(
    ({ code, message, location: { file, row, col } }): StartFinding => ({
      ...finding(file, `${code}: ${message}`, ''),
      line: row,
      column: col,
    }),
  );
  return { ok: false, findings: wrong };
}

/** A JSON document; `-` is standard input. What is wrong with it goes to `findings`. */
export function readDocument(findings: StartFinding[], file: string): Value | undefined {
  const name = file === '-' ? 'standard input' : file;
  return attempt(findings, name, 'give a JSON document', () =>
    parseJson(readFileSync(file === '-' ? 0 : file, 'utf8')),
  );
}

export function printFindings(findings: readonly StartFinding[], json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify({ ok: findings.length === 0, findings }, undefined, 2)}\n`);
  else for (const each of findings) process.stderr.write(`${renderFinding(each)}\n`);
}

function regoFiles(directory: string, tests: boolean): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(({ name }) => name.endsWith('.rego') && (tests || !name.endsWith('_test.rego')))
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

function attempt<T>(findings: StartFinding[], file: string, hint: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const reason = 'code' in error ? String(error.code) : error.message;
    findings.push(finding(file, `cannot be read (${reason})`, hint));
    return undefined;
  }
}

function finding(file: string, message: string, hint: string): StartFinding {
  return { file, severity: 'error', message, hint };
}

/** Policies and their data from a folder or a bundle, for the commands that look at them without a sidecar. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type CompileOptions, compile, type Policy, parseJson, type Value } from '@sidegate/rego';
import { isPolicyBundle, type PolicyBundle, readPolicyBundle } from '../policy/policy-bundle.ts';
import { renderFinding, type StartFinding } from './start-finding.ts';

export interface PolicyFiles {
  /** A folder, or a bundle (`.tar.gz`). */
  readonly directory: string;
  /** JSON document that policies see as `data`. */
  readonly dataFile: string | undefined;
  /** Whether `*_test.rego` belongs to it. */
  readonly tests: boolean;
}

export type LoadedPolicy =
  | {
      readonly ok: true;
      readonly policy: Policy;
      readonly files: readonly string[];
      /** Files of a bundle that nothing reads. */
      readonly warnings: readonly StartFinding[];
    }
  | { readonly ok: false; readonly findings: readonly StartFinding[] };

/** Compiles everything, or says everything that is wrong. */
export function loadPolicy(source: PolicyFiles, options: CompileOptions = {}): LoadedPolicy {
  const { directory: file, dataFile, tests } = source;
  const read = isPolicyBundle(file) ? readPolicyBundle({ file, dataFile, tests }) : readFolder(source);
  if (!read.ok) return read;
  const { modules, data, warnings } = read;
  if (modules.length === 0) {
    return { ok: false, findings: [finding(file, 'has no policy', 'put at least one .rego file there')] };
  }
  const compiled = compile(modules, { ...options, data });
  if (compiled.ok) return { ok: true, policy: compiled.policy, files: modules.map((module) => module.file), warnings };
  const wrong = compiled.diagnostics.map(
    ({ code, message, location: { file, row, col } }): StartFinding => ({
      ...finding(file, `${code}: ${message}`, ''),
      line: row,
      column: col,
    }),
  );
  return { ok: false, findings: wrong };
}

function readFolder({ directory, dataFile, tests }: PolicyFiles): PolicyBundle {
  const findings: StartFinding[] = [];
  const files =
    attempt(findings, directory, 'give a readable folder or bundle', () => regoFiles(directory, tests)) ?? [];
  const modules = files.flatMap((file) => {
    const text = attempt(findings, file, 'make it readable', () => readFileSync(file, 'utf8'));
    return text === undefined ? [] : [{ file, text }];
  });
  const data = dataFile === undefined ? {} : readDocument(findings, dataFile);
  return findings.length > 0 || data === undefined
    ? { ok: false, findings }
    : { ok: true, modules, data, warnings: [] };
}

/** A JSON document; `-` is standard input. What is wrong with it goes to `findings`. */
export function readDocument(findings: StartFinding[], file: string): Value | undefined {
  const name = file === '-' ? 'standard input' : file;
  return attempt(findings, name, 'give a JSON document', () =>
    parseJson(readFileSync(file === '-' ? 0 : file, 'utf8')),
  );
}

export function printFindings(findings: readonly StartFinding[], json: boolean): void {
  const ok = findings.every(({ severity }) => severity !== 'error');
  if (json) process.stdout.write(`${JSON.stringify({ ok, findings }, undefined, 2)}\n`);
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

/** Policies and their data, for the commands that look at them without a sidecar. */
import { readFileSync } from 'node:fs';
import { type CompileOptions, compile, type Policy, readSources, toPlainJson, type Value } from '@sidegate/rego';
import type { JsonValue } from '@sidegate/sdk';
import { type PolicyLocations, readPolicySources } from '../policy/policy-sources.ts';
import { renderFinding, type StartFinding } from './start-finding.ts';

export type LoadedPolicy =
  | {
      readonly ok: true;
      readonly policy: Policy;
      readonly files: readonly string[];
      /** Files that nothing reads. */
      readonly warnings: readonly StartFinding[];
    }
  | { readonly ok: false; readonly findings: readonly StartFinding[] };

/** Compiles everything, or says everything that is wrong; places without a policy are wrong too. */
export function loadPolicy(locations: PolicyLocations, options?: CompileOptions): LoadedPolicy {
  const loaded = compileSources(locations, options);
  if (!loaded.ok || loaded.files.length > 0) return loaded;
  const none = locations.policies.map((file) => finding(file, 'has no policy', 'put at least one .rego file there'));
  return { ok: false, findings: [...loaded.warnings, ...none] };
}

/** As {@link loadPolicy}, but data alone, or nothing at all, will do. */
export function compileSources(locations: PolicyLocations, options: CompileOptions = {}): LoadedPolicy {
  const read = readPolicySources(locations);
  if (!read.ok) return read;
  const { modules, data, warnings } = read;
  const compiled = compile(modules, { ...options, data });
  if (compiled.ok) return { ok: true, policy: compiled.policy, files: modules.map(({ file }) => file), warnings };
  const wrong = compiled.diagnostics.map(
    ({ code, message, location: { file, row, col } }): StartFinding => ({
      ...finding(file, `${code}: ${message}`, ''),
      line: row,
      column: col,
    }),
  );
  return { ok: false, findings: wrong };
}

/** A JSON document, or a YAML one by its name; `-` is standard input. What is wrong with it goes to `findings`. */
export function readDocument(findings: StartFinding[], file: string): Value | undefined {
  const name = file === '-' ? 'standard input' : file;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    findings.push(finding(name, `cannot be read (${code})`, 'give a JSON document'));
    return undefined;
  }
  const read = readSources([{ file: name, folders: ['document'], bytes }]);
  if (read.ok) return Object.values(read.data)[0] as Value | undefined;
  findings.push(...read.diagnostics.map((each) => ({ ...each, severity: 'error' as const })));
  return undefined;
}

/** As {@link readDocument}, as plain JSON. */
export function readJsonDocument(findings: StartFinding[], file: string): JsonValue | undefined {
  const value = readDocument(findings, file);
  return value === undefined ? undefined : (JSON.parse(toPlainJson(value)) as JsonValue);
}

export function printFindings(findings: readonly StartFinding[], json: boolean): void {
  const ok = findings.every(({ severity }) => severity !== 'error');
  if (json) process.stdout.write(`${JSON.stringify({ ok, findings }, undefined, 2)}\n`);
  else for (const each of findings) process.stderr.write(`${renderFinding(each)}\n`);
}

function finding(file: string, message: string, hint: string): StartFinding {
  return { file, severity: 'error', message, hint };
}

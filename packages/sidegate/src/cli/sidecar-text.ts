/** A sidecar's configuration for another machine: its text, and what it needs there. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { loadSidecarConfig } from '../config/load.ts';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { fromDiagnostic, type StartFinding } from './start-finding.ts';

export interface SidecarText {
  readonly text: string;
  /** Undefined: what is wrong is in `findings`. */
  readonly config: SidecarConfig | undefined;
  /** Files and folders that it names, as they are called there. */
  readonly paths: ReadonlySet<string>;
  /** Of the secrets that will be in variables there, those that it names. */
  readonly variables: ReadonlySet<string>;
  readonly findings: readonly StartFinding[];
}

/** Where it will be. */
export const CONFIG_FOLDER = '/etc/sidegate';
export const CONFIG_FILE = 'config.yaml';

/** No value of a secret is read: each stands for itself. */
export function readSidecarText(
  file: string,
  secrets: readonly string[],
  variables: Readonly<Record<string, string>>,
): SidecarText {
  const text = readText(file);
  if (typeof text !== 'string') return { text: '', config: undefined, paths: new Set(), variables: new Set(), ...text };
  const paths = new Set<string>();
  const loaded = loadSidecarConfig(text, {
    file,
    env: { ...variables, ...Object.fromEntries(secrets.map((name) => [name, `value-of-${name}`])) },
    readFile: () => 'the-secret-of-a-file',
    resolvePath: (name) => {
      const absolute = path.posix.resolve(CONFIG_FOLDER, name);
      paths.add(absolute);
      return absolute;
    },
  });
  const named = new Set(secrets.filter((name) => new RegExp(`\\$\\{${name}(:-[^}]*)?\\}`).test(text)));
  const config = loaded.ok ? loaded.config : undefined;
  const findings = (loaded.ok ? loaded.warnings : loaded.diagnostics).map(fromDiagnostic);
  return { text, config, paths, variables: named, findings };
}

function readText(file: string): string | { readonly findings: readonly StartFinding[] } {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    return { findings: [{ file, severity: 'error', message: 'cannot be read', hint: reason }] };
  }
}

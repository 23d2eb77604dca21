/** Policies and their data from an OPA bundle, a file named `*.tar.gz`. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type BundleDiagnostic, type ModuleSource, NODE_HOST, readBundle, type Value } from '@sidegate/rego';
import type { PolicyFinding } from './policy-finding.ts';
import { YAML } from './rego-yaml.ts';

export type PolicyBundle =
  | {
      readonly ok: true;
      /** Named `<bundle>/<file>`, as if the bundle were a folder. */
      readonly modules: readonly ModuleSource[];
      readonly data: Value;
      /** Files of the bundle that nothing reads. */
      readonly warnings: readonly PolicyFinding[];
    }
  | { readonly ok: false; readonly findings: readonly PolicyFinding[] };

export function isPolicyBundle(location: string): boolean {
  return location.endsWith('.tar.gz');
}

export interface PolicyBundleOptions {
  readonly file: string;
  /** A document from elsewhere would not be what was built and tested together: it is refused. */
  readonly dataFile: string | undefined;
  /** Whether `*_test.rego` belongs to it. */
  readonly tests: boolean;
}

/** Reads a bundle that is not signed; a signed one is refused, as no key is known to verify it with. */
export function readPolicyBundle({ file, dataFile, tests }: PolicyBundleOptions): PolicyBundle {
  if (dataFile !== undefined) return refused(dataFile, 'is given beside a bundle', 'put the data into the bundle');
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return refused(file, `cannot be read (${code})`, 'give a readable bundle');
  }
  const read = readBundle(bytes, { host: { ...NODE_HOST, yaml: YAML } });
  const finding = (severity: PolicyFinding['severity']) => (diagnostic: BundleDiagnostic) => ({
    ...diagnostic,
    file: path.join(file, diagnostic.file),
    severity,
  });
  if (!read.ok) return { ok: false, findings: read.diagnostics.map(finding('error')) };
  const { modules, data, ignored } = read.bundle;
  return {
    ok: true,
    modules: modules
      .filter((module) => tests || !module.file.endsWith('_test.rego'))
      .map((module) => ({ ...module, file: path.join(file, module.file) })),
    data,
    warnings: ignored.map(finding('warning')),
  };
}

function refused(file: string, message: string, hint: string): PolicyBundle {
  return { ok: false, findings: [{ file, severity: 'error', message, hint }] };
}

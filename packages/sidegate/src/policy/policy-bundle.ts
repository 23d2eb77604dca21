/** Policies and their data from an OPA bundle, a file named `*.tar.gz`. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type BundleDiagnostic, type BundleVerification, NODE_HOST, readBundle } from '@sidegate/rego';
import type { PolicyFinding } from './policy-finding.ts';
import type { PolicySources } from './policy-sources.ts';

export function isPolicyBundle(location: string): boolean {
  return location.endsWith('.tar.gz');
}

export interface PolicyBundleOptions {
  readonly file: string;
  /** Whether `*_test.rego` belongs to it. */
  readonly tests: boolean;
  /** Whose signature it must have; when absent, a signed bundle is refused, as no key is known to verify it with. */
  readonly verification: BundleVerification | undefined;
}

/** Modules are named `<bundle>/<file>`, as if the bundle were a folder. */
export function readPolicyBundle({ file, tests, verification }: PolicyBundleOptions): PolicySources {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return refused(file, `cannot be read (${code})`, 'give a readable bundle');
  }
  const read = readBundle(bytes, { host: NODE_HOST, ...(verification === undefined ? {} : { verification }) });
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

function refused(file: string, message: string, hint: string): PolicySources {
  return { ok: false, findings: [{ file, severity: 'error', message, hint }] };
}

/** Policies and their data from an OPA bundle, a file named `*.tar.gz`. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Bundle, type BundleDiagnostic, type BundleVerification, NODE_HOST, readBundle } from '@sidegate/rego';
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
export function readPolicyBundle(options: PolicyBundleOptions): PolicySources {
  const { file } = options;
  try {
    return unpackPolicyBundle(readFileSync(file), options);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    if (code === undefined) throw error;
    return refused(file, `cannot be read (${code})`, 'give a readable bundle');
  }
}

/** The same for the bytes of a bundle that came from elsewhere; `file` is what findings name. */
export function unpackPolicyBundle(bytes: Uint8Array, options: PolicyBundleOptions): PolicySources {
  const { file, tests } = options;
  const read = openPolicyBundle(bytes, options);
  if (!read.ok) return read;
  const { modules, data, ignored } = read.bundle;
  return {
    ok: true,
    modules: modules
      .filter((module) => tests || !module.file.endsWith('_test.rego'))
      .map((module) => ({ ...module, file: path.join(file, module.file) })),
    data,
    warnings: ignored.map(finding(file, 'warning')),
  };
}

/** Verified and unpacked, whatever engine it is for. */
export function openPolicyBundle(
  bytes: Uint8Array,
  { file, verification }: Omit<PolicyBundleOptions, 'tests'>,
):
  | { readonly ok: true; readonly bundle: Bundle }
  | { readonly ok: false; readonly findings: readonly PolicyFinding[] } {
  const read = readBundle(bytes, { host: NODE_HOST, ...(verification === undefined ? {} : { verification }) });
  return read.ok ? read : { ok: false, findings: read.diagnostics.map(finding(file, 'error')) };
}

function finding(bundle: string, severity: PolicyFinding['severity']) {
  return (diagnostic: BundleDiagnostic): PolicyFinding => ({
    ...diagnostic,
    file: path.join(bundle, diagnostic.file),
    severity,
  });
}

function refused(file: string, message: string, hint: string): PolicySources {
  return { ok: false, findings: [{ file, severity: 'error', message, hint }] };
}

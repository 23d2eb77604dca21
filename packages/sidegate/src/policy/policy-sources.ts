/** Policies and data for an engine: out of folders and files, or out of one bundle. */
import {
  type BundleDiagnostic,
  type BundleVerification,
  type ModuleSource,
  readSources,
  type Value,
} from '@sidegate/rego';
import { isPolicyBundle, readPolicyBundle } from './policy-bundle.ts';
import type { PolicyFinding } from './policy-finding.ts';
import { findSources } from './source-files.ts';

export interface PolicyLocations {
  /** Folders and files of policies and data, or one bundle (`.tar.gz`). */
  readonly policies: readonly string[];
  /** Folders and files of data, in which no policy may stand; not beside a bundle. */
  readonly data?: readonly string[];
  /** Whether `*_test.rego` belongs to it. */
  readonly tests: boolean;
  /** Whose signature a bundle must have. When there is one, nothing but a bundle is read. */
  readonly verification?: BundleVerification | undefined;
}

export type PolicySources =
  | {
      readonly ok: true;
      readonly modules: readonly ModuleSource[];
      readonly data: Value;
      /** Files that nothing reads. */
      readonly warnings: readonly PolicyFinding[];
    }
  | { readonly ok: false; readonly findings: readonly PolicyFinding[] };

/** Reads everything, or says everything that is wrong with it. */
export function readPolicySources(locations: PolicyLocations): PolicySources {
  const { policies, data = [], tests, verification } = locations;
  const bundle = [...policies, ...data].find(isPolicyBundle);
  if (bundle !== undefined) {
    const others = [...policies, ...data].filter((each) => each !== bundle);
    if (others.length > 0) return refusedAll(others, 'is given beside a bundle', 'put it into the bundle');
    return readPolicyBundle({ file: bundle, tests, verification });
  }
  if (verification !== undefined) return refusedAll(policies, 'is not signed', 'give a bundle that is signed');
  return readFiles(policies, data, tests);
}

function readFiles(policies: readonly string[], data: readonly string[], tests: boolean): PolicySources {
  const found = [
    ...policies.map((location) => findSources(location, tests)),
    ...data.map((location) => withoutPolicies(findSources(location, true))),
  ];
  const read = readSources(found.flatMap(({ files }) => files));
  const findings = found.flatMap((each) => each.findings);
  if (!read.ok) findings.push(...read.diagnostics.map(asError));
  if (!read.ok || findings.some(({ severity }) => severity === 'error')) return { ok: false, findings };
  return { ok: true, modules: read.modules, data: read.data, warnings: findings };
}

type Found = ReturnType<typeof findSources>;

function withoutPolicies({ files, findings }: Found): Found {
  const policies = files.filter(({ file }) => file.endsWith('.rego'));
  const refused = policies.map(({ file }) => error(file, 'is a policy among data', 'move it to the policies'));
  return { files: files.filter((each) => !policies.includes(each)), findings: [...findings, ...refused] };
}

function asError(diagnostic: BundleDiagnostic): PolicyFinding {
  return { ...diagnostic, severity: 'error' };
}

function refusedAll(files: readonly string[], message: string, hint: string): PolicySources {
  return { ok: false, findings: files.map((file) => error(file, message, hint)) };
}

function error(file: string, message: string, hint: string): PolicyFinding {
  return { file, severity: 'error', message, hint };
}

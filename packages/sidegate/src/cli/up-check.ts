/** Everything that can be wrong with a lab's files, found before anything starts and all at once. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { loadRealm, loadSidecarConfig } from '../config/load.ts';
import type { LabConfig } from '../config/schema/lab.ts';
import type { RealmConfig } from '../config/schema/realm.ts';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import type { SecretValues } from '../lab/secrets.ts';
import { loadConfigFile } from './config-file.ts';
import { loadPolicy } from './policy-files.ts';
import { fromDiagnostic, type StartFinding } from './start-finding.ts';
import type { Source } from './up-source.ts';

export interface Checked<T> {
  /** What could be read. */
  readonly values: readonly T[];
  readonly findings: readonly StartFinding[];
}

export function checkRealms(config: LabConfig, secrets: SecretValues): Checked<RealmConfig> {
  const loaded = config.identity_provider.realms.map((file) => loadConfigFile(loadRealm, file, { env: secrets }));
  return {
    values: loaded.flatMap((realm) => (realm.ok ? [realm.config] : [])),
    findings: loaded.flatMap((realm) => (realm.ok ? [] : realm.diagnostics.map(fromDiagnostic))),
  };
}

/** Every configuration as its own sidecar will read it: under this root, with its own secrets only. */
export function checkSidecars(
  { configs }: Source,
  services: LabConfig['services'],
  { root, secrets }: { readonly root: string; readonly secrets: SecretValues },
): Checked<readonly [service: string, SidecarConfig]> {
  const loaded = services.map(({ name, secrets: variables }) => {
    const { file, text } = configs.get(name) ?? { file: name, text: '' };
    const result = loadSidecarConfig(text, {
      file,
      env: Object.fromEntries(Object.keys(variables).map((variable) => [variable, secrets[variable]])),
      readFile: (read) => readFileSync(read, 'utf8'),
      resolvePath: (named) => path.join(root, named),
    });
    return { name, result };
  });
  return {
    values: loaded.flatMap(({ name, result }) => (result.ok ? [[name, result.config] as const] : [])),
    findings: loaded.flatMap(({ result }) => (result.ok ? [] : result.diagnostics.map(fromDiagnostic))),
  };
}

/** Compiles the folder that all sidecars share, once. */
export function checkPolicies({ policies }: Source, directory: string): readonly StartFinding[] {
  const loaded = loadPolicy({ policies: [directory], tests: false });
  if (loaded.ok) return [];
  return loaded.findings.map((finding) => ({
    ...finding,
    file: policies.get(path.basename(finding.file))?.file ?? finding.file,
  }));
}

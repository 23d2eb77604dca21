/** The configurations and policies that `sidegate up` is to run: as they are given, or with what they lack corrected. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseDocument } from 'yaml';
import type { LabConfig } from '../config/schema/lab.ts';
import { type AppliedPatch, applySeedPatches } from '../lab/seed-patches.ts';
import { type StartFinding, StartRefused } from './start-finding.ts';

export interface SourceText {
  /** For findings. */
  readonly file: string;
  readonly text: string;
}

export interface Source {
  /** By service name. */
  readonly configs: ReadonlyMap<string, SourceText>;
  /** By file name. */
  readonly policies: ReadonlyMap<string, SourceText>;
  /** Scripts and realms that lie beside the configurations, by file name. */
  readonly besides: ReadonlyMap<string, SourceText>;
}

export interface CorrectedSource extends Source {
  readonly patches: readonly AppliedPatch[];
}

/**
 * @param directory the lab's
 * @param from where its configurations and policies are taken from, under the same names
 * @throws StartRefused with every file that cannot be read
 */
export function readSource(config: LabConfig, directory: string, from: string): Source {
  const findings: StartFinding[] = [];
  const unreadable = (file: string, error: unknown): void => {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    findings.push({ file, severity: 'error', message: `cannot be read (${reason})`, hint: 'lab.yaml needs it' });
  };
  const read = (file: string): SourceText => {
    try {
      return { file, text: readFileSync(file, 'utf8') };
    } catch (error) {
      unreadable(file, error);
      return { file, text: '' };
    }
  };
  const readAll = (folder: string, wanted: RegExp): ReadonlyMap<string, SourceText> => {
    try {
      const names = readdirSync(folder).filter((name) => wanted.test(name));
      return new Map(names.map((name) => [name, read(path.join(folder, name))]));
    } catch (error) {
      unreadable(folder, error);
      return new Map();
    }
  };
  const configs = config.services.map(
    ({ name, config: file }) => [name, read(path.join(from, path.relative(directory, file)))] as const,
  );
  const source = {
    configs: new Map(configs),
    policies: readAll(path.join(from, 'policies'), /(?<!_test)\.rego$/),
    besides: readAll(from, /\.(sh|json)$/),
  };
  if (findings.length > 0) throw new StartRefused(findings);
  return source;
}

/** What is not YAML is left as it is: checking it says where and why. */
export function correctSource(source: Source, config: LabConfig, userClients: readonly string[]): CorrectedSource {
  const documents = new Map([...source.configs].map(([name, { text }]) => [name, parseDocument(text)]));
  if ([...documents.values()].some(({ errors }) => errors.length > 0)) return { ...source, patches: [] };
  const policies = new Map([...source.policies].map(([name, { text }]) => [name, text]));
  const patches = applySeedPatches({
    configs: documents,
    policies,
    files: new Map([...source.besides].map(([name, { text }]) => [name, text])),
    services: config.services.map(({ name, zone, calls_zone, config: file }) => ({
      name,
      zone,
      config: path.basename(file),
      ...(calls_zone === undefined ? {} : { callsZone: calls_zone }),
    })),
    trustDomain: config.trust_domain,
    userClients,
  });
  return {
    ...source,
    configs: changed(source.configs, (name) => String(documents.get(name))),
    policies: changed(source.policies, (name) => policies.get(name) ?? ''),
    patches,
  };
}

/** Positions in a corrected text are not those of the file, so its findings say so. */
function changed(
  texts: ReadonlyMap<string, SourceText>,
  textOf: (name: string) => string,
): ReadonlyMap<string, SourceText> {
  return new Map(
    [...texts].map(([name, given]) => {
      const text = textOf(name);
      return [name, text === given.text ? given : { file: `${given.file} (corrected)`, text }];
    }),
  );
}

/** Where mutations start: the lab's policies, the sample of conformance cases, and the shared cases where they are. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Value } from '@sidegate/rego';
import { loadCases } from '../conformance/case.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const CASE_FOLDERS = [
  'tests/conformance/sample',
  '../shared/rego/cases/v1',
  '../shared/rego/cases/v0',
  '../shared/rego/compile/v1',
];
const LONGEST_SOURCE = 4_000;

export interface Corpus {
  readonly sources: readonly string[];
  readonly queries: readonly string[];
  readonly inputs: readonly Value[];
}

/** `shared`: also the cases beside the repository. Without them every machine has the same corpus. */
export function loadCorpus({ shared }: { readonly shared: boolean }): Corpus {
  const folders = CASE_FOLDERS.filter((folder) => shared || !folder.startsWith('..'))
    .map((folder) => resolve(ROOT, folder))
    .filter(existsSync);
  const cases = folders.flatMap(loadCases);
  const policies = join(ROOT, 'examples/three-zones/policies');
  const files = readdirSync(policies).filter((file) => file.endsWith('.rego'));
  const sources = [
    ...files.map((file) => readFileSync(join(policies, file), 'utf8')),
    ...cases.flatMap(({ modules }) => modules),
  ];
  const evaluations = cases.filter((one) => one.kind === 'evaluation');
  return {
    sources: [...new Set(sources)].filter(({ length }) => length > 0 && length <= LONGEST_SOURCE),
    queries: [...new Set(evaluations.map(({ query }) => query))],
    inputs: [{}, ...evaluations.flatMap(({ input }) => (input === undefined ? [] : [input]))],
  };
}

/** Manifests of a cluster, several in a file, and what they allow that they should not: nothing that is found is applied or changed. */
import { byPosition, type Diagnostic } from './diagnostic.ts';
import { placed } from './draft.ts';
import type { Loaded } from './load-document.ts';
import { annotationsOf, manifestFindings, tree } from './manifest-rules.ts';
import { readYaml, type YamlSource } from './yaml-source.ts';

/** On an object that takes calls in clear text until a day, while its callers move into the mesh. */
const MIGRATION = 'sidegate.dev/migration-until';
const LONGEST_MS = 90 * 86_400_000;

/** @param now the day of the check, in milliseconds since the epoch */
export function checkManifests(text: string, file: string, now: number): Loaded<undefined> {
  const diagnostics = documentsOf(text)
    .flatMap((document) => findingsOf(readYaml(document, file), file, now))
    .toSorted(byPosition);
  if (diagnostics.some(({ severity }) => severity === 'error')) return { ok: false, diagnostics };
  return { ok: true, config: undefined, warnings: diagnostics };
}

/** Each at its line of the file. */
function documentsOf(text: string): readonly string[] {
  const documents: string[] = [];
  let begun = 0;
  const lines = text.split('\n');
  const cut = (end: number): void => {
    const document = lines.slice(begun, end).join('\n');
    if (/^\s*[^#\s]/m.test(document)) documents.push('\n'.repeat(begun) + document);
  };
  for (const [index, line] of lines.entries()) {
    if (!/^---(\s|$)/.test(line)) continue;
    cut(index);
    begun = index + 1;
  }
  cut(lines.length);
  return documents;
}

function findingsOf({ value, positions, diagnostics }: YamlSource, file: string, now: number): readonly Diagnostic[] {
  const draft = { file, value, shape: {}, positions };
  const migration = migrationOf(value, now);
  const findings = Array.from(manifestFindings(value), (finding) =>
    placed(draft, migration === 'declared' ? 'warning' : 'error', { code: 'insecure', ...finding }),
  );
  if (findings.length === 0 || migration !== 'wrong') return [...diagnostics, ...findings];
  const path = ['metadata', 'annotations', MIGRATION];
  const hint = 'a day such as 2027-01-31, at most 90 days ahead';
  return [...diagnostics, ...findings, placed(draft, 'error', { path, message: 'ends at no day to come', hint })];
}

function migrationOf(value: unknown, now: number): 'none' | 'declared' | 'wrong' {
  const until = annotationsOf(tree(value))[MIGRATION];
  if (until === undefined) return 'none';
  const end =
    typeof until === 'string' && /^\d{4}-\d\d-\d\d$/.test(until) ? Date.parse(`${until}T23:59:59Z`) : Number.NaN;
  return end > now && end < now + LONGEST_MS ? 'declared' : 'wrong';
}

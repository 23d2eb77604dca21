/** What a run says: a line per failure, a table per category, and the closing line. */
import type { Case } from './case.ts';
import type { Outcome } from './run-case.ts';

export interface Judged {
  readonly case: Case;
  readonly outcome: Outcome;
}

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const MAX_WHY = 400;

export function failureLine({ case: { category, note }, outcome }: Judged): string | undefined {
  if (outcome.kind !== 'failed') return undefined;
  const why = outcome.why.replaceAll('\n', '\\n');
  const shown = why.length > MAX_WHY ? `${why.slice(0, MAX_WHY)}…` : why;
  return `FAIL ${category}/${note}: ${shown}`;
}

export function closingLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

export function totals(judged: readonly Judged[]): Totals {
  const count = (kind: Outcome['kind']): number => judged.filter(({ outcome }) => outcome.kind === kind).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

export interface CategoryTotals extends Totals {
  readonly category: string;
}

export function byCategory(judged: readonly Judged[]): readonly CategoryTotals[] {
  const groups = Map.groupBy(judged, ({ case: { version, category } }) => `${version}/${category}`);
  return [...groups].map(([category, list]) => ({ category, ...totals(list) }));
}

/** Categories that are not entirely passed, worst first. */
export function summaryTable(categories: readonly CategoryTotals[]): readonly string[] {
  const rows = categories.filter(({ failed, skipped }) => failed + skipped > 0).toSorted((a, b) => b.failed - a.failed);
  const whole = categories.length - rows.length;
  const width = Math.max(20, ...rows.map(({ category }) => category.length));
  const line = (name: string, cells: readonly (string | number)[]): string =>
    name.padEnd(width) + cells.map((cell) => String(cell).padStart(9)).join('');
  return [
    ...(rows.length > 0 ? [line('category', ['passed', 'failed', 'skipped'])] : []),
    ...rows.map(({ category, passed, failed, skipped }) => line(category, [passed, failed, skipped])),
    `${whole} of ${categories.length} categories pass whole`,
  ];
}

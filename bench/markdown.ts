/** A report as Markdown: medians, the range of the rounds behind them, the target and whether it is met. */
import { type Finding, isMet, type Report, type Target } from './report.ts';
import type { Summary } from './stats.ts';

const DIGITS = { '×': 2, µs: 0, ms: 2, MiB: 0 };

export function markdownReport({ findings, notes, notMeasured }: Report): string {
  const lines = findings.map((finding) => [
    finding.row,
    finding.against,
    finding.ours === undefined ? '' : `${cost(finding.ours)} ${finding.costUnit ?? ''}`,
    finding.theirs === undefined ? '' : `${cost(finding.theirs)} ${finding.costUnit ?? ''}`,
    `${ranged(finding.value, DIGITS[finding.unit])} ${finding.unit}`,
    finding.target === undefined ? '' : targetText(finding.target, finding),
    { true: 'yes', false: 'no', undefined: '' }[String(isMet(finding)) as 'true' | 'false' | 'undefined'],
  ]);
  const missing = notMeasured.map(({ name, why }) => `- Not measured: ${name}, ${why}\n`);
  return [
    markdownTable(['row', 'beside', 'ours', 'theirs', 'figure (range)', 'target', 'met'], lines),
    ...(notes.length + missing.length === 0 ? [] : ['\n']),
    ...notes.map((note) => `- ${note}\n`),
    ...missing,
  ].join('');
}

export function markdownTable(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return row(head) + row(head.map(() => '---')) + lines.map(row).join('');
}

function targetText(target: Target, { unit }: Finding): string {
  const [sign, figure] = 'atLeast' in target ? ['≥', target.atLeast] : ['≤', target.atMost];
  return `${sign} ${Number(figure.toFixed(3))} ${unit}`;
}

function ranged({ median, low, high }: Summary, digits: number): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}

function cost({ median }: Summary): string {
  return median.toFixed(median < 100 ? 1 : 0);
}

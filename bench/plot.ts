/** The findings that have a target as a plot: how many times the target, on a logarithmic axis; right of the line is met. */
import type { Finding } from './report.ts';

const ROW_HEIGHT = 22;
const LABEL_WIDTH = 330;
const PLOT_WIDTH = 420;
const MARGIN = 30;
const DECADES = 2;

export function plotFindings(title: string, findings: readonly Finding[]): string {
  const rows = findings.filter(({ target }) => target !== undefined);
  const height = MARGIN * 2 + rows.length * ROW_HEIGHT;
  const width = LABEL_WIDTH + PLOT_WIDTH + MARGIN;
  const ticks = [0.1, 0.5, 1, 2, 10].map((factor) => tick(factor, height));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="10" y="18" font-weight="bold">${escaped(title)}: times the target</text>`,
    ...ticks,
    ...rows.map((finding, index) => dot(finding, MARGIN + index * ROW_HEIGHT + ROW_HEIGHT / 2)),
    '</svg>',
    '',
  ].join('\n');
}

function dot(finding: Finding, y: number): string {
  const { row, against, value } = finding;
  const [median, low, high] = [value.median, value.low, value.high].map((figure) => factorOf(finding, figure));
  const colour = (median ?? 0) >= 1 ? '#1a7f37' : '#cf222e';
  const label = `${row} · ${against.split(':')[0]}`;
  return [
    `<text x="10" y="${y + 4}">${escaped(label)}</text>`,
    `<line x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}" stroke="${colour}" stroke-opacity="0.4" stroke-width="4"/>`,
    `<circle cx="${x(median)}" cy="${y}" r="5" fill="${colour}"/>`,
  ].join('');
}

/** Above 1 is better than the target, whichever way it points. */
function factorOf({ target }: Finding, figure: number): number {
  if (target === undefined) return Number.NaN;
  return 'atLeast' in target ? figure / target.atLeast : target.atMost / figure;
}

function tick(factor: number, height: number): string {
  const at = x(factor);
  const stroke = factor === 1 ? '#000' : '#ccc';
  return [
    `<line x1="${at}" x2="${at}" y1="${MARGIN}" y2="${height - MARGIN + 5}" stroke="${stroke}"/>`,
    `<text x="${at}" y="${height - 8}" text-anchor="middle">${factor} ×</text>`,
  ].join('');
}

/** Everything beyond a tenth and ten times lies on the edge. */
function x(factor = Number.NaN): string {
  const decades = Math.log10(Math.min(10, Math.max(0.1, Number.isFinite(factor) && factor > 0 ? factor : 10)));
  return (LABEL_WIDTH + ((decades + DECADES / 2) / DECADES) * PLOT_WIDTH).toFixed(1);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

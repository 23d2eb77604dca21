/** Results as Markdown: medians, with the range of the rounds behind them. */
import type { DecisionReport } from './decision.ts';
import { markdownTable } from './markdown.ts';
import type { Summary } from './stats.ts';

export function decisionTable({ rows, growth }: DecisionReport): string {
  const lines = rows.map(({ name, ours, wasm, wasmRatio, opaNanos }) => [
    name,
    ranged(ours, 0),
    wasm === undefined ? 'not measured' : ranged(wasm, 0),
    wasmRatio === undefined ? '' : `${ranged(wasmRatio, 0)} ×`,
    opaNanos === undefined ? 'not measured' : opaNanos.toFixed(0),
    opaNanos === undefined ? '' : `${(opaNanos / ours.median).toFixed(0)} ×`,
  ]);
  const decisions = markdownTable(
    ['decision', 'ours, ns', 'opa-wasm, ns', 'against ours', 'OPA in process, ns', 'against ours'],
    lines,
  );
  return `${decisions}\n${markdownTable(
    ['growth', ''],
    growth.map(({ name, value }) => [name, value]),
  )}`;
}

function ranged({ median, low, high }: Summary, digits: number): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}

/** Results as Markdown: medians, with the range of the rounds behind them. */
import type { DecisionReport } from './decision.ts';
import type { IngressRow } from './ingress.ts';
import type { Summary } from './stats.ts';

export function ingressTable(rows: readonly IngressRow[]): string {
  const lines = rows.map(({ name, job, cpuMicrosPerRequest, ratio, requestsPerSecond, residentMebibytes }) => [
    name,
    job,
    ranged(cpuMicrosPerRequest, 1),
    `${ranged(ratio, 2)} ×`,
    requestsPerSecond.median.toFixed(0),
    residentMebibytes.toFixed(0),
  ]);
  return table(['peer', 'what it does', 'CPU µs/request', 'against ours', 'requests/s', 'RSS MiB'], lines);
}

export function decisionTable({ rows, growth }: DecisionReport): string {
  const lines = rows.map(({ name, ours, wasm, wasmRatio, opaNanos }) => [
    name,
    ranged(ours, 0),
    wasm === undefined ? 'not measured' : ranged(wasm, 0),
    wasmRatio === undefined ? '' : `${ranged(wasmRatio, 0)} ×`,
    opaNanos === undefined ? 'not measured' : opaNanos.toFixed(0),
    opaNanos === undefined ? '' : `${(opaNanos / ours.median).toFixed(0)} ×`,
  ]);
  const decisions = table(
    ['decision', 'ours, ns', 'opa-wasm, ns', 'against ours', 'OPA in process, ns', 'against ours'],
    lines,
  );
  return `${decisions}\n${table(
    ['growth', ''],
    growth.map(({ name, value }) => [name, value]),
  )}`;
}

function ranged({ median, low, high }: Summary, digits: number): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return row(head) + row(head.map(() => '---')) + lines.map(row).join('');
}

/** Results that stay: `results/<date>-<scenario>` as JSON, Markdown and, where there are findings, a plot. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Machine } from './machine.ts';

const RESULTS = path.join(import.meta.dirname, 'results');

export interface Kept {
  readonly scenario: string;
  readonly machine: Machine;
  readonly report: unknown;
  readonly table: string;
  readonly plot: string | undefined;
}

export function keep({ scenario, machine, report, table, plot }: Kept): void {
  mkdirSync(RESULTS, { recursive: true });
  const name = path.join(RESULTS, `${machine.date}-${scenario}`);
  const command = `npm run bench -- ${scenario}`;
  writeFileSync(`${name}.json`, `${JSON.stringify({ scenario, command, machine, report }, undefined, 2)}\n`);
  writeFileSync(`${name}.md`, `${heading(scenario, command, machine)}\n${table}`);
  if (plot !== undefined) writeFileSync(`${name}.svg`, plot);
}

function heading(scenario: string, command: string, { date, kind, loadBefore, versions }: Machine): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `# ${scenario}, ${date}\n\n\`${command}\` on ${kind} (load before: ${loadBefore}): ${programs.join(', ')}.\n`;
}

/** The imports scenario: what the SDK adds to the start of a service, beside what services verify tokens with otherwise. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { interleave } from '../interleave.ts';
import { type Finding, type Report, ratioFinding } from '../report.ts';
import type { ScenarioOptions } from '../scenario.ts';
import { summarize } from '../stats.ts';

/** What the issue allows each entry point. */
const MOST_MS = 40;
const ENTRY_POINTS = ['', '/client', '/server', '/express', '/signatures', '/settings'];
const OTHER = 'express-jwt';
const DIST = path.join(import.meta.dirname, '../../packages/sidegate');

export async function measureImports(options: ScenarioOptions): Promise<Report> {
  const names = ENTRY_POINTS.map((entry) => `@sidegate/sdk${entry}`);
  const contenders = [...names, OTHER].map((name) => ({ name, measure: async () => millisecondsOf(name) }));
  const costs = await interleave('import', contenders, { ...options, rounds: 3 * options.rounds });
  const theirs = costs.at(-1) ?? [];
  const findings = names.flatMap((row, index): Finding[] => {
    const ours = costs[index] ?? [];
    return [
      { row, against: 'a fresh process', value: summarize(ours), unit: 'ms', target: { atMost: MOST_MS } },
      ratioFinding(row, OTHER, { ours, theirs, costUnit: 'ms' }),
    ];
  });
  return { findings, notes: ['Time that passed, of a machine that others use as well.'], notMeasured: [] };
}

/** As it is published, in a process of its own, between the first line and the last. */
function millisecondsOf(name: string): number {
  const script = `const began = performance.now(); await import('${name}'); console.log(performance.now() - began);`;
  const args = ['--input-type=module', '--eval', script];
  return Number(execFileSync(process.execPath, args, { cwd: DIST, encoding: 'utf8' }));
}

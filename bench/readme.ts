/** `npm run bench:readme`: puts the latest kept findings that have a target into README.md, between its two marks. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Machine } from './machine.ts';
import { markdownReport } from './markdown.ts';
import type { Finding, Report } from './report.ts';

interface Kept {
  readonly machine?: Machine;
  readonly report: Report;
}

const README = path.join(import.meta.dirname, '../README.md');
const RESULTS = path.join(import.meta.dirname, 'results');
const SCENARIOS = ['peers', 'ingress', 'streams', 'handshakes', 'latency', 'memory', 'egress'];
const [BEGIN, END] = ['<!-- bench -->', '<!-- /bench -->'];

const kept = SCENARIOS.flatMap((scenario) => latest(scenario));
const findings = new Map<string, Finding>();
for (const { report } of kept) {
  for (const finding of report.findings.filter(({ target }) => target !== undefined)) {
    const key = `${finding.row} ${finding.against}`;
    if (!findings.has(key)) findings.set(key, finding);
  }
}
const table = markdownReport({ findings: [...findings.values()], notes: [], notMeasured: [] });
const readme = readFileSync(README, 'utf8');
const [before, rest = ''] = readme.split(BEGIN);
const after = rest.split(END)[1];
if (before === undefined || after === undefined) throw new Error(`README.md has no ${BEGIN} … ${END}`);
writeFileSync(README, `${before}${BEGIN}\n${heading(kept[0]?.machine)}\n${table}${END}${after}`);

/** Nothing for a scenario that was never kept in this form. */
function latest(scenario: string): Kept[] {
  const file = readdirSync(RESULTS)
    .filter((name) => name.endsWith(`-${scenario}.json`))
    .sort()
    .at(-1);
  if (file === undefined) return [];
  const result = JSON.parse(readFileSync(path.join(RESULTS, file), 'utf8')) as Kept;
  return result.machine === undefined ? [] : [result];
}

function heading(machine: Machine | undefined): string {
  if (machine === undefined) return 'Nothing is kept yet.\n';
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  return `\`npm run bench\`, ${machine.date}, ${machine.kind} (load before: ${machine.loadBefore}): ${versions.join(', ')}.\n`;
}

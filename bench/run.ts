/** `npm run bench -- [ingress|decision] [--quick] [--json]`: measures beside the peers, prints ratios, keeps the result. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { measureDecisions } from './decision.ts';
import { measureIngress } from './ingress.ts';
import { decisionTable, ingressTable } from './tables.ts';

const RESULTS = path.join(import.meta.dirname, 'results');

interface Options {
  readonly quick?: boolean;
  readonly json?: boolean;
}

interface Measured {
  readonly report: unknown;
  readonly table: string;
}

const SCENARIOS: Readonly<Record<string, (quick: boolean) => Promise<Measured>>> = {
  async ingress(quick) {
    requirePrograms(['nginx', 'haproxy', 'wrk', 'cc', 'taskset']);
    const size = quick ? { rounds: 5, secondsPerRound: 3 } : { rounds: 9, secondsPerRound: 8 };
    const rows = await measureIngress({ ...size, progress });
    return { report: rows, table: ingressTable(rows) };
  },
  async decision(quick) {
    const report = await measureDecisions({ rounds: quick ? 31 : 101, progress });
    return { report, table: decisionTable(report) };
  },
};

await new Command('bench')
  .description(
    'Measure beside the peers, interleaved in one run. ingress needs nginx, haproxy, wrk and cc; decision uses opa where it is.',
  )
  .argument('[scenarios...]', Object.keys(SCENARIOS).join(', '), Object.keys(SCENARIOS))
  .option('--quick', 'few short rounds; nothing is kept')
  .option('--json', 'print JSON instead of tables')
  .action(async (names: readonly string[], { quick = false, json = false }: Options) => {
    for (const name of names) {
      const scenario = SCENARIOS[name];
      if (scenario === undefined)
        throw new Error(`there is no scenario "${name}": ${Object.keys(SCENARIOS).join(', ')}`);
      const { report, table } = await scenario(quick);
      if (!quick) keep(name, report, table);
      process.stdout.write(json ? `${JSON.stringify({ scenario: name, report })}\n` : `${table}\n`);
    }
  })
  .parseAsync();

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

function keep(scenario: string, report: unknown, table: string): void {
  mkdirSync(RESULTS, { recursive: true });
  const name = path.join(RESULTS, `${new Date().toISOString().slice(0, 10)}-${scenario}`);
  writeFileSync(`${name}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(`${name}.md`, table);
}

function requirePrograms(names: readonly string[]): void {
  const missing = names.filter((name) => {
    try {
      execFileSync('which', [name], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length > 0) {
    throw new Error(`not installed: ${missing.join(', ')} (Debian: apt-get install nginx haproxy wrk gcc)`);
  }
}

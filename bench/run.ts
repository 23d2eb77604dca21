/** `npm run bench -- [scenario] [--quick] [--peers …] [--cpu-prof …]`: measures beside the peers, prints ratios, keeps the result. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { measureDecisions } from './decision.ts';
import { INGRESS_PEERS, measureIngress } from './ingress.ts';
import { takeTurn } from './one-at-a-time.ts';
import { decisionTable, ingressTable } from './tables.ts';

const RESULTS = path.join(import.meta.dirname, 'results');

const PEERS = INGRESS_PEERS.join(',');

interface Options {
  readonly quick?: boolean;
  readonly json?: boolean;
  readonly peers: string;
  readonly cpuProf?: string;
}

interface Measured {
  readonly report: unknown;
  readonly table: string;
}

const SCENARIOS: Readonly<Record<string, (options: Options) => Promise<Measured>>> = {
  async ingress({ quick = false, peers, cpuProf }) {
    requirePrograms(['nginx', 'haproxy', 'wrk', 'cc', 'taskset']);
    const size = quick ? { rounds: 5, secondsPerRound: 2 } : { rounds: 9, secondsPerRound: 8 };
    const rows = await measureIngress({ ...size, peers: peers.split(','), profiles: cpuProf, progress });
    return { report: rows, table: ingressTable(rows) };
  },
  async decision({ quick = false }) {
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
  .option('--peers <names>', 'peers of ingress, the first is compared with; a .ts file is a prototype', PEERS)
  .option('--cpu-prof <folder>', 'profile our sidecar under load; nothing is kept')
  .action(async (names: readonly string[], options: Options) => {
    const { quick = false, json = false, peers, cpuProf } = options;
    using _turn = await takeTurn(progress);
    for (const name of names) {
      const scenario = SCENARIOS[name];
      if (scenario === undefined)
        throw new Error(`there is no scenario "${name}": ${Object.keys(SCENARIOS).join(', ')}`);
      const { report, table } = await scenario(options);
      if (!quick && cpuProf === undefined && peers === PEERS) keep(name, report, table);
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

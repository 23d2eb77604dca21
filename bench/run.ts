/** `npm run bench -- [scenario…] [--quick] …`: measures beside the peers, prints ratios and targets, keeps the result. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { Command } from 'commander';
import { caTable, measureCertificates } from './ca.ts';
import { measureDecisions } from './decision.ts';
import { guardTable, measureGuards } from './guard.ts';
import { keep } from './keep.ts';
import { describeMachine } from './machine.ts';
import { markdownReport } from './markdown.ts';
import { takeTurn } from './one-at-a-time.ts';
import { plotFindings } from './plot.ts';
import type { Report } from './report.ts';
import type { ScenarioOptions } from './scenario.ts';
import { measureEgress } from './scenarios/egress.ts';
import { measureFlood } from './scenarios/flood.ts';
import { measureFloor } from './scenarios/floor.ts';
import { measureGrowth } from './scenarios/growth.ts';
import { measureHandshakes } from './scenarios/handshakes.ts';
import { measureImports } from './scenarios/imports.ts';
import { measureIngress } from './scenarios/ingress.ts';
import { measureIssuer } from './scenarios/issuer.ts';
import { measureLatency } from './scenarios/latency.ts';
import { measureMemory } from './scenarios/memory.ts';
import { measurePeers } from './scenarios/peers.ts';
import { measureStreams } from './scenarios/streams.ts';
import { measureWorkers } from './scenarios/workers.ts';
import { decisionTable } from './tables.ts';

interface Options {
  readonly quick?: boolean;
  readonly json?: boolean;
  readonly peers?: string;
  readonly rows?: string;
  readonly rounds?: string;
  readonly seconds?: string;
  readonly cpuProf?: string;
}

interface Measured {
  readonly report: unknown;
  readonly table: string;
  readonly plot?: string;
}

type Scenario = (options: ScenarioOptions) => Promise<Measured>;

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  ingress: beside('ingress', measureIngress),
  streams: beside('streams', measureStreams),
  handshakes: beside('handshakes', measureHandshakes),
  latency: beside('latency', measureLatency),
  memory: beside('memory', measureMemory),
  growth: beside('growth', measureGrowth),
  egress: beside('egress', measureEgress),
  flood: beside('flood', measureFlood),
  workers: beside('workers', measureWorkers),
  peers: beside('peers', measurePeers),
  floor: beside('floor', measureFloor),
  issuer: beside('issuer', measureIssuer),
  imports: beside('imports', measureImports),
  async ca({ quick, progress }) {
    const report = await measureCertificates({ rounds: quick ? 11 : 31, progress });
    return { report, table: caTable(report) };
  },
  async guard({ quick, progress }) {
    const report = await measureGuards({ rounds: quick ? 5 : 11, progress });
    return { report, table: guardTable(report) };
  },
  async decision({ quick, progress }) {
    const report = await measureDecisions({ rounds: quick ? 31 : 101, progress });
    return { report, table: decisionTable(report) };
  },
};

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

await new Command('bench')
  .description('Measure beside the peers, interleaved in one run.')
  .argument('[scenarios...]', Object.keys(SCENARIOS).join(', '), Object.keys(SCENARIOS))
  .option('--quick', 'the telling rows, in short rounds; nothing is kept')
  .option('--json', 'print JSON instead of tables')
  .option('--rows <names>', 'only rows that begin like these, after commas; nothing is kept')
  .option('--peers <names>', 'peers, the first is compared with the others; a .ts file is a prototype; nothing is kept')
  .option('--rounds <count>', 'rounds of each row; nothing is kept')
  .option('--seconds <count>', 'seconds of each round; nothing is kept')
  .option('--cpu-prof <folder>', 'profile our sidecar under load; nothing is kept')
  .action(async (names: readonly string[], options: Options) => {
    const unknown = names.filter((name) => SCENARIOS[name] === undefined);
    if (unknown.length > 0) {
      throw new Error(`there is no scenario "${unknown.join(', ')}": ${Object.keys(SCENARIOS).join(', ')}`);
    }
    build();
    for (const name of names) await perform(name, options);
  })
  .parseAsync();

/** The compiler knows what is older than its source, and writes nothing when nothing is. */
function build(): void {
  execFileSync(process.execPath, [path.join(import.meta.dirname, '../packages/build.ts')], { stdio: 'inherit' });
}

/** A scenario that breaks off does not take the others with it; the run fails all the same. */
async function perform(name: string, options: Options): Promise<void> {
  using _turn = await takeTurn(progress);
  const machine = describeMachine();
  try {
    const measured = await SCENARIOS[name]?.(scenarioOptions(options));
    if (measured === undefined) return;
    if (isWhole(options)) keep({ scenario: name, machine, plot: undefined, ...measured });
    const json = JSON.stringify({ scenario: name, machine, report: measured.report });
    process.stdout.write(options.json === true ? `${json}\n` : `\n## ${name}\n\n${measured.table}\n`);
  } catch (error) {
    progress(`${name} broke off: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

function scenarioOptions({ quick = false, peers, rows, rounds, seconds, cpuProf }: Options): ScenarioOptions {
  return {
    rounds: Number(rounds ?? 5),
    seconds: Number(seconds ?? 2),
    quick,
    rows: rows?.split(','),
    peers: peers?.split(','),
    profiles: cpuProf,
    progress,
  };
}

/** Only what measured everything is worth keeping. */
function isWhole({ quick, peers, rows, rounds, seconds, cpuProf }: Options): boolean {
  return quick !== true && [peers, rows, rounds, seconds, cpuProf].every((option) => option === undefined);
}

function beside(name: string, measure: (options: ScenarioOptions) => Promise<Report>): Scenario {
  return async (options) => {
    requirePrograms(['nginx', 'haproxy', 'wrk', 'cc', 'taskset']);
    const report = await measure(options);
    return { report, table: markdownReport(report), plot: plotFindings(name, report.findings) };
  };
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
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

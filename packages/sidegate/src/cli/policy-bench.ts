/** `sidegate policy bench`: how long a decision takes on this machine. */
import { performance } from 'node:perf_hooks';
import { type Evaluate, type Value } from '@sidegate/rego';
import { Command, InvalidArgumentError } from 'commander';
import type { PolicyLocations } from '../policy/policy-sources.ts';
import { EXIT } from './exit-code.ts';
import { loadPolicy, printFindings, readDocument } from './policy-files.ts';
import { type LocationOptions, locationsOf, noLocation, withLocations } from './policy-options.ts';
import type { StartFinding } from './start-finding.ts';

interface BenchOptions extends LocationOptions {
  readonly input: string;
  readonly runs: number;
  readonly json?: boolean;
}

interface Measured {
  readonly backend: 'generated' | 'closures';
  readonly compileMilliseconds: number;
  /** The very first decision, before anything is warm. */
  readonly firstMicroseconds: number;
  readonly evaluationsPerRun: number;
  readonly medianNanoseconds: number;
  readonly fastestNanoseconds: number;
  readonly slowestNanoseconds: number;
}

/** Long enough that timer and loop do not count, short enough that nobody waits. */
const RUN_MILLISECONDS = 40;

export function policyBenchCommand(): Command {
  return withLocations(new Command('bench'))
    .description('Measure how long a decision takes here: the median of several runs, on both backends.')
    .argument('<query>', 'data.<package>.<rule>')
    .option('-i, --input <file>', 'JSON or YAML document, - for standard input', '-')
    .option('--runs <count>', 'how many runs, at least 3', readRuns, 15)
    .option('--json', 'print the measurements as JSON')
    .addHelpText('after', '\nExit codes: 0 measured, 64 wrong command line, 78 wrong policy or input.')
    .action((query: string, options: BenchOptions) => {
      process.exitCode = bench(query, options);
    });
}

function bench(query: string, options: BenchOptions): number {
  const { input: file, runs, json = false } = options;
  const locations = locationsOf(options, false);
  if (locations.policies.length === 0) return noLocation();
  const loaded = loadPolicy(locations);
  const findings: StartFinding[] = loaded.ok ? [] : [...loaded.findings];
  const input = readDocument(findings, file);
  if (!loaded.ok || input === undefined) {
    printFindings(findings, json);
    return EXIT.config;
  }
  try {
    const measured = (['generated', 'closures'] as const).map((backend) =>
      measure(query, locations, { backend, input, runs }),
    );
    process.stdout.write(
      json ? `${JSON.stringify({ query, runs, measured }, undefined, 2)}\n` : report(query, runs, measured),
    );
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`sidegate: ${query} is no query: ${error.message}\n`);
    return EXIT.usage;
  }
}

interface Setup {
  readonly backend: Measured['backend'];
  readonly input: Value;
  readonly runs: number;
}

function measure(query: string, locations: PolicyLocations, { backend, input, runs }: Setup): Measured {
  const start = performance.now();
  const loaded = loadPolicy(locations, { backend });
  if (!loaded.ok) throw new Error('the policies changed while they were measured');
  const evaluate = loaded.policy.prepare(query);
  const compiled = performance.now();
  evaluate(input);
  const first = performance.now();
  const evaluations = calibrate(evaluate, input);
  const times = Array.from({ length: runs }, () => timed(evaluate, input, evaluations) / evaluations).toSorted(
    (a, b) => a - b,
  );
  const nanoseconds = (time: number | undefined): number => Math.round((time ?? 0) * 1e6 * 10) / 10;
  return {
    backend,
    compileMilliseconds: compiled - start,
    firstMicroseconds: (first - compiled) * 1_000,
    evaluationsPerRun: evaluations,
    medianNanoseconds: nanoseconds(times[Math.floor(runs / 2)]),
    fastestNanoseconds: nanoseconds(times[0]),
    slowestNanoseconds: nanoseconds(times.at(-1)),
  };
}

/** How many evaluations fill a run, found by doubling, which also warms everything up. */
function calibrate(evaluate: Evaluate<unknown>, input: Value): number {
  let evaluations = 1;
  while (timed(evaluate, input, evaluations) < RUN_MILLISECONDS && evaluations < 2 ** 24) evaluations *= 2;
  return evaluations;
}

function timed(evaluate: Evaluate<unknown>, input: Value, evaluations: number): number {
  const start = performance.now();
  for (let i = 0; i < evaluations; i += 1) evaluate(input);
  return performance.now() - start;
}

function report(query: string, runs: number, measured: readonly Measured[]): string {
  const lines = measured.flatMap((each) => [
    `${each.backend}: ${microseconds(each.medianNanoseconds)} a decision ` +
      `(${microseconds(each.fastestNanoseconds)} to ${microseconds(each.slowestNanoseconds)})`,
    `  compiled in ${each.compileMilliseconds.toFixed(1)} ms, first decision ${each.firstMicroseconds.toFixed(0)} µs, ` +
      `${each.evaluationsPerRun} evaluations a run`,
  ]);
  return `${[`${query}: median of ${runs} runs on Node ${process.versions.node}`, ...lines].join('\n')}\n`;
}

function microseconds(nanoseconds: number): string {
  return `${(nanoseconds / 1_000).toFixed(nanoseconds < 10_000 ? 2 : 1)} µs`;
}

function readRuns(text: string): number {
  const runs = Number(text);
  if (!Number.isInteger(runs) || runs < 3 || runs > 1_000) throw new InvalidArgumentError('give 3 to 1000.');
  return runs;
}

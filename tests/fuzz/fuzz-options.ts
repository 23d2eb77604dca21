/** What every fuzzer is told, and how it measures a call that seems slow. */
import { parseArgs } from 'node:util';

export interface FuzzOptions {
  readonly runs: number;
  readonly seed: number;
  /** The first run: with the seed it goes on where another ended. */
  readonly from: number;
  /** Milliseconds of processor time that one call may take. */
  readonly limit: number;
}

export function fuzzOptions(): FuzzOptions {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
      from: { type: 'string', default: '0' },
      limit: { type: 'string', default: '50' },
    },
  });
  const { runs, seed, from, limit } = values;
  return { runs: Number(runs), seed: Number(seed), from: Number(from), limit: Number(limit) };
}

/** Processor time of this process, so that a busy machine does not make a call look slow. */
export function processorMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

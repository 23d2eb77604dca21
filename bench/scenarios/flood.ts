/** The flood scenario: a million distinct invalid tokens, what they leave in memory, and what good traffic notices. */
import { residentBytes } from '../cpu.ts';
import type { BenchFiles } from '../files.ts';
import { runGenerator } from '../generator.ts';
import type { RateReport } from '../generators/rate.ts';
import { interleave } from '../interleave.ts';
import { bearer, type Load, runRefused, warmUp } from '../load.ts';
import type { Peer } from '../peer.ts';
import { startSidegate } from '../peers/sidegate.ts';
import type { Finding, Report } from '../report.ts';
import type { ScenarioOptions } from '../scenario.ts';
import { openStage } from '../stage.ts';
import { type Summary, summarize } from '../stats.ts';

const GOOD_RATE = '500';
/** 16 connections with a request each 8 ms. */
const STEADY = { connections: 16, pauseMs: 8 };
const FULL_SPEED = { connections: 48, pauseMs: 0 };
const PATIENCE_MS = 150_000;

export async function measureFlood(options: ScenarioOptions): Promise<Report> {
  const total = options.quick ? 50_000 : 1_000_000;
  await using stage = await openStage();
  const { files } = stage;
  const sidecar = await stage.start((files, origin) => startSidegate(files, origin, options));
  await warmUp(sidecar, files, { connections: 48, seconds: 1, headers: bearer(files) });
  const attack = new Attack(sidecar, files);
  await attack.run(STEADY, 2);
  const good = async (): Promise<number> => {
    const printed = await runGenerator('rate', sidecar, files, GOOD_RATE, String(options.seconds));
    return (JSON.parse(printed) as RateReport).p99Micros / 1_000;
  };
  const beside = async (pace: Pace): Promise<number> => {
    const [p99] = await Promise.all([good(), attack.run(pace, options.seconds + 1)]);
    return p99;
  };
  const contenders = [
    { name: 'p99 alone, ms', measure: good },
    { name: 'p99 beside 2,000 invalid/s', measure: () => beside(STEADY) },
    { name: 'p99 beside invalid at full speed', measure: () => beside(FULL_SPEED) },
  ];
  const [alone = [], steady = [], full = []] = await interleave('flood', contenders, options);
  const resident = await attack.until(total, options.progress);
  return {
    findings: [
      slowdown('good p99 beside 2,000 invalid tokens/s', alone, steady, { atMost: 1.2 }),
      slowdown('good p99 beside invalid tokens at full speed', alone, full, undefined),
      memory(`resident during ${attack.sent.toLocaleString('en')} distinct invalid tokens`, resident),
    ],
    notes: ['Flood: wrong signatures, each token another one; good traffic is one connection at 500 requests/s.'],
    notMeasured: [],
  };
}

interface Pace {
  readonly connections: number;
  readonly pauseMs: number;
}

/** Counts its tokens, so that none comes twice. */
class Attack {
  sent = 0;
  readonly #peer: Peer;
  readonly #files: BenchFiles;

  constructor(peer: Peer, files: BenchFiles) {
    this.#peer = peer;
    this.#files = files;
  }

  async run({ connections, pauseMs }: Pace, seconds: number): Promise<void> {
    const { token } = this.#files;
    const load: Load = {
      connections,
      seconds,
      script: ['invalid.lua', token, String(this.sent), String(pauseMs)],
    };
    // A connection that waits for its answer at the end of a round has used one more.
    this.sent += (await runRefused(this.#peer, this.#files, load)) + connections;
  }

  /** @returns resident MiB after each slice */
  async until(total: number, progress: (text: string) => void): Promise<number[]> {
    const deadline = Date.now() + PATIENCE_MS;
    const resident: number[] = [];
    while (this.sent < total && Date.now() < deadline) {
      await this.run(FULL_SPEED, 5);
      resident.push(residentBytes(this.#peer.process.pid ?? 0) / 1_048_576);
      progress(`flood: ${this.sent} invalid tokens, ${resident.at(-1)?.toFixed(0)} MiB`);
    }
    return resident;
  }
}

function slowdown(
  row: string,
  alone: readonly number[],
  during: readonly number[],
  target: Finding['target'],
): Finding {
  return {
    row,
    against: 'itself without them',
    ours: summarize(during),
    theirs: summarize(alone),
    costUnit: 'ms',
    value: summarize(during.map((latency, round) => latency / (alone[round] ?? Number.NaN))),
    unit: '×',
    ...(target === undefined ? {} : { target }),
  };
}

/** The whole of a bounded memory stays under the target of a loaded sidecar. */
function memory(row: string, resident: readonly number[]): Finding {
  const value: Summary = summarize(resident);
  return { row, against: 'itself', value, unit: 'MiB', target: { atMost: 110 } };
}

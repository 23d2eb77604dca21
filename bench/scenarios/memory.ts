/** The memory scenario: what a fresh sidecar keeps resident, idle and under load. */
import { setTimeout as sleep } from 'node:timers/promises';
import { residentBytes } from '../cpu.ts';
import { bearer, runRound } from '../load.ts';
import type { Peer } from '../peer.ts';
import { firstOf } from '../peers/registry.ts';
import type { Finding, Report } from '../report.ts';
import type { ScenarioOptions } from '../scenario.ts';
import { openStage } from '../stage.ts';
import { summarize } from '../stats.ts';

const SETTLE_MS = 2_000;
const SAMPLE_MS = 200;

export async function measureMemory(options: ScenarioOptions): Promise<Report> {
  await using stage = await openStage();
  const { files } = stage;
  const sidecar = await stage.start(firstOf(options));
  await sleep(SETTLE_MS);
  const idle = mebibytes(sidecar);
  const sampled: number[] = [];
  const sampling = setInterval(() => sampled.push(mebibytes(sidecar)), SAMPLE_MS);
  for (let round = 0; round < options.rounds; round += 1) {
    await runRound(sidecar, files, { connections: 48, seconds: options.seconds, headers: bearer(files) });
    options.progress(`memory, round ${round + 1} of ${options.rounds}: ${mebibytes(sidecar).toFixed(0)} MiB`);
  }
  clearInterval(sampling);
  const highest = Math.max(...sampled);
  return {
    findings: [
      memory('resident, idle', [idle], 70),
      memory('resident under load, median', sampled, 110),
      memory('resident under load, highest', [highest], 110),
    ],
    notes: [],
    notMeasured: [],
  };
}

function mebibytes({ process: child }: Peer): number {
  return residentBytes(child.pid ?? 0) / 1_048_576;
}

function memory(row: string, values: readonly number[], atMost: number): Finding {
  return { row, against: 'itself', value: summarize(values), unit: 'MiB', target: { atMost } };
}

/** The stream scenario: bodies of 100 MiB, up and down. */
import { totalCpuMicros } from '../cpu.ts';
import { runGenerator } from '../generator.ts';
import { interleave } from '../interleave.ts';
import { startNginx } from '../peers/nginx.ts';
import { STREAM_BYTES } from '../peers/origin.ts';
import { firstOf } from '../peers/registry.ts';
import { type Finding, type Report, ratioFinding } from '../report.ts';
import type { ScenarioOptions } from '../scenario.ts';
import { openStage } from '../stage.ts';

const TRANSFERS = 3;

export async function measureStreams(options: ScenarioOptions): Promise<Report> {
  await using stage = await openStage();
  const peers = [await stage.start(firstOf(options)), await stage.start(startNginx)];
  const findings: Finding[] = [];
  for (const direction of ['down', 'up']) {
    const contenders = peers.map((peer) => ({
      name: peer.name,
      async measure() {
        const before = totalCpuMicros(peer.process.pid ?? 0);
        await runGenerator('stream', peer, stage.files, direction, String(STREAM_BYTES), String(TRANSFERS));
        return (totalCpuMicros(peer.process.pid ?? 0) - before) / TRANSFERS / 1_000;
      },
    }));
    for (const contender of contenders) await contender.measure();
    const [ours = [], theirs = []] = await interleave(`100 MiB ${direction}`, contenders, options);
    const target = { atLeast: 1 / 1.6 };
    const costs = { ours, theirs, costUnit: 'ms' };
    findings.push(ratioFinding(`100 MiB ${direction}`, `${peers[1]?.name}: ${peers[1]?.job}`, costs, target));
  }
  return { findings, notes: ['Streams: CPU for one body, nginx without buffering in files.'], notMeasured: [] };
}

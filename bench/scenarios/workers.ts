/** The workers scenario: what two processes behind one address take from the one that works most, over what one takes. */
import { interleave } from '../interleave.ts';
import { bearer, type Load, runRound, warmUp } from '../load.ts';
import { startSidegate } from '../peers/sidegate.ts';
import { type Report, ratioFinding } from '../report.ts';
import type { ScenarioOptions } from '../scenario.ts';
import { openStage } from '../stage.ts';

export async function measureWorkers(options: ScenarioOptions): Promise<Report> {
  await using stage = await openStage();
  const { files } = stage;
  const load: Load = { connections: 96, seconds: options.seconds, headers: bearer(files) };
  const contenders = [];
  for (const workers of [2, 1]) {
    const peer = await stage.start((files, origin) => startSidegate(files, origin, { ...options, workers }));
    for (let process = 0; process < workers; process += 1) await warmUp(peer, files, load);
    contenders.push({
      name: `${workers} workers`,
      measure: async () => (await runRound(peer, files, load)).busiestMicrosPerRequest,
    });
  }
  const [two = [], one = []] = await interleave('workers', contenders, options);
  return {
    findings: [ratioFinding('2 workers', 'one worker', { ours: two, theirs: one, costUnit: 'µs' }, { atLeast: 1.8 })],
    notes: [
      'Workers: two cores cannot hold two workers, the load and the origin. So all workers share one core, and the figure is',
      'requests over the CPU time of the busier worker: the throughput that its own core would allow, without what the generator allows.',
    ],
    notMeasured: [],
  };
}

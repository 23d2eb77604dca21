/** The latency scenario: what we add over nginx at 1,000 requests a second on one connection. */

import { runGenerator } from '../generator.ts';
import type { RateReport } from '../generators/rate.ts';
import { interleave } from '../interleave.ts';
import { bearer, warmUp } from '../load.ts';
import { startNginx } from '../peers/nginx.ts';
import { firstOf } from '../peers/registry.ts';
import type { Finding, Report } from '../report.ts';
import type { ScenarioOptions } from '../scenario.ts';
import { openStage } from '../stage.ts';
import { summarize } from '../stats.ts';

const RATE = '1000';

export async function measureLatency(options: ScenarioOptions): Promise<Report> {
  await using stage = await openStage();
  const { files } = stage;
  const peers = [await stage.start(firstOf(options)), await stage.start(startNginx)];
  const reports = peers.map((): RateReport[] => []);
  const contenders = peers.map((peer, index) => ({
    name: peer.name,
    async measure() {
      const printed = await runGenerator('rate', peer, files, RATE, String(options.seconds));
      const report = JSON.parse(printed) as RateReport;
      reports[index]?.push(report);
      return report.p50Micros;
    },
  }));
  for (const peer of peers) await warmUp(peer, files, { connections: 48, seconds: 1, headers: bearer(files) });
  await interleave('latency', contenders, options);
  const [ours = [], theirs = []] = reports;
  return {
    findings: [
      added('p50', 'µs', 50, { ours, theirs, of: ({ p50Micros }) => p50Micros }),
      added('p99', 'ms', 1, { ours, theirs, of: ({ p99Micros }) => p99Micros / 1_000 }),
    ],
    notes: ['Latency: each request counts from when it was due by the schedule, whenever it could be sent.'],
    notMeasured: [],
  };
}

interface Latencies {
  readonly ours: readonly RateReport[];
  readonly theirs: readonly RateReport[];
  readonly of: (report: RateReport) => number;
}

function added(quantile: string, unit: 'µs' | 'ms', atMost: number, { ours, theirs, of }: Latencies): Finding {
  const own = ours.map(of);
  const other = theirs.map(of);
  return {
    row: `${quantile} added at 1,000 requests/s, one connection`,
    against: 'nginx: mutual TLS, forward; no token',
    ours: summarize(own),
    theirs: summarize(other),
    costUnit: unit,
    value: summarize(own.map((latency, round) => latency - (other[round] ?? Number.NaN))),
    unit,
    target: { atMost },
  };
}

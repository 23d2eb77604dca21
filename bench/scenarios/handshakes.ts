/** The handshake scenario: a new connection with a full mutual TLS handshake for every request. */
import { interleave } from '../interleave.ts';
import { bearer, type Load, runRound, warmUp } from '../load.ts';
import { startNginx, startNginxWithoutTickets } from '../peers/nginx.ts';
import { firstOf } from '../peers/registry.ts';
import { type Report, ratioFinding } from '../report.ts';
import type { ScenarioOptions } from '../scenario.ts';
import { openStage } from '../stage.ts';

const TARGET = { atLeast: 0.9 };

export async function measureHandshakes(options: ScenarioOptions): Promise<Report> {
  await using stage = await openStage();
  const { files } = stage;
  const ours = await stage.start(firstOf(options));
  const peers = [ours, await stage.start(startNginx), await stage.start(startNginxWithoutTickets)];
  const load: Load = {
    connections: 16,
    seconds: options.seconds,
    headers: { ...bearer(files), Connection: 'close' },
  };
  await warmUp(ours, files, { ...load, headers: bearer(files) });
  for (const peer of peers) await runRound(peer, files, load);
  const contenders = peers.map((peer) => ({
    name: peer.name,
    measure: async () => (await runRound(peer, files, load)).cpuMicrosPerRequest,
  }));
  const [own = [], plain = [], untouched = []] = await interleave('handshake', contenders, options);
  const finding = (row: string, theirs: readonly number[]) =>
    ratioFinding(row, 'nginx: mutual TLS, forward; no token', { ours: own, theirs, costUnit: 'µs' }, TARGET);
  return {
    findings: [finding('full handshake', plain), finding('full handshake, nginx without tickets', untouched)],
    notes: ['Handshakes: mutual TLS 1.3, P-256 on both sides, none resumed; each connection carries one GET.'],
    notMeasured: [],
  };
}

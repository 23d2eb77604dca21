/** The egress scenario: plain HTTP from the app, a cached client-credentials token, mutual TLS out. */
import { startTokenEndpoint } from '../../tests/support/token-endpoint.ts';
import { interleave } from '../interleave.ts';
import { runRound, warmUp } from '../load.ts';
import { startNginxEgress } from '../peers/nginx.ts';
import { startTlsOrigin } from '../peers/origin.ts';
import { startSidegateEgress } from '../peers/sidegate.ts';
import { type Report, ratioFinding } from '../report.ts';
import type { ScenarioOptions } from '../scenario.ts';
import { openStage } from '../stage.ts';
import { mintToken } from '../tokens.ts';

export async function measureEgress(options: ScenarioOptions): Promise<Report> {
  await using stage = await openStage();
  const { files } = stage;
  await using endpoint = await startTokenEndpoint(() => ({
    body: { access_token: mintToken(files.keys.RS256), token_type: 'Bearer', expires_in: 3_600 },
  }));
  const upstream = await stage.start(startTlsOrigin);
  const tokenUrl = endpoint.url;
  const ours = await stage.start((files) =>
    startSidegateEgress(files, { upstreamPort: upstream.port, tokenUrl }, options.profiles),
  );
  const nginx = await stage.start((files) => startNginxEgress(files, upstream.port));
  const load = { scheme: 'http', connections: 48, seconds: options.seconds } as const;
  const contenders = [ours, nginx].map((peer) => ({
    name: peer.name,
    measure: async () => (await runRound(peer, files, load)).cpuMicrosPerRequest,
  }));
  for (const peer of [ours, nginx]) await warmUp(peer, files, load);
  const [own = [], theirs = []] = await interleave('egress', contenders, options);
  const costs = { ours: own, theirs, costUnit: 'µs' };
  const finding = ratioFinding('egress, warm', `${nginx.name}: ${nginx.job}`, costs, { atLeast: 0.55 });
  return { findings: [finding], notes: [], notMeasured: [] };
}

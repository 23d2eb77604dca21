/** The peers scenario: the warm GET through everything that does some of the job and could be had. */
import { missingPeers, OURS, PEER_NAMES, PUMPS } from '../peers/registry.ts';
import type { Report } from '../report.ts';
import type { ScenarioOptions } from '../scenario.ts';
import { measureIngress } from './ingress.ts';

/** No binary in a registry that the project installs from. */
const NOT_SERVED = 'the Go module proxy does not serve it';

export async function measurePeers(options: ScenarioOptions): Promise<Report> {
  const missing = missingPeers();
  const there = PEER_NAMES.filter((name) => !missing.includes(name) && !PUMPS.includes(name));
  const report = await measureIngress({ ...options, rows: ['warm'], peers: [OURS, ...there] });
  return {
    findings: report.findings,
    notes: [
      'The warm GET over 48 keep-alive connections; every peer has one worker.',
      "envoy-opa: a small gRPC server with OPA's library stands in for the plugin and does less than it (no decision log).",
    ],
    notMeasured: [
      ...missing.map((name) => ({ name, why: 'not installed (npm run bench:install)' })),
      ...['the OPA-Envoy plugin itself', 'ghostunnel', 'Oathkeeper'].map((name) => ({ name, why: NOT_SERVED })),
    ],
  };
}

/**
 * The floor scenario: what Node itself leaves to win. A pump that passes the bytes inside mutual TLS on, without reading them, takes
 * our place in the other scenarios; a target that it misses is out of reach for everything written in Node on the same machine.
 */
import type { Report } from '../report.ts';
import type { ScenarioOptions } from '../scenario.ts';
import { measureHandshakes } from './handshakes.ts';
import { measureIngress } from './ingress.ts';
import { measureLatency } from './latency.ts';
import { measureMemory } from './memory.ts';
import { measureStreams } from './streams.ts';

const WARM = ['pump', 'nginx', 'haproxy', 'jose-undici', 'express'];
const COLD = ['pump-verifying', 'haproxy'];

export async function measureFloor(options: ScenarioOptions): Promise<Report> {
  const ofPump = { ...options, peers: ['pump'] };
  const reports = [
    await measureIngress({ ...options, peers: WARM, rows: ['warm'] }),
    await measureIngress({ ...options, peers: COLD, rows: ['cold'] }),
    await measureIngress({ ...options, peers: ['pump', 'nginx'], rows: ['POST'] }),
    await measureStreams(ofPump),
    await measureHandshakes(ofPump),
    await measureLatency(ofPump),
    await measureMemory(ofPump),
  ];
  return {
    findings: reports.flatMap(({ findings }) => findings),
    notes: [
      'Ours is here the pump: mutual TLS and bytes, no HTTP, no token, no policy, no audit trail.',
      'Cold: the pump that also verifies the signature of each token it sees, and nothing else of it.',
    ],
    notMeasured: [],
  };
}

/** The ingress scenario: the same GET over mutual TLS through every peer, in interleaved rounds. */

import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { residentBytes } from './cpu.ts';
import { writeBenchFiles } from './ingress-files.ts';
import {
  type StartPeer,
  startHaproxy,
  startNginx,
  startOrigin,
  startScript,
  startSidecarPeer,
} from './ingress-peers.ts';
import { type Round, runRound } from './load.ts';
import { type Peer, stopPeer } from './peer.ts';
import { type Summary, summarize } from './stats.ts';

export interface IngressOptions {
  readonly rounds: number;
  readonly secondsPerRound: number;
  /** Names of peers, or files of scripts that are prototypes. */
  readonly peers: readonly string[];
  /** Where the profile of our sidecar goes, if it is to be profiled. */
  readonly profiles: string | undefined;
  readonly progress: (text: string) => void;
}

export interface IngressRow {
  readonly name: string;
  readonly job: string;
  readonly cpuMicrosPerRequest: Summary;
  readonly requestsPerSecond: Summary;
  /** CPU of this peer over CPU of the first one in the same round: above 1, the first one is cheaper. */
  readonly ratio: Summary;
  readonly residentMebibytes: number;
}

/** Load generator and origin share it; the peer has core 0 for itself. */
const LOAD_CORE = 1;
const OURS = 'sidegate';
export const INGRESS_PEERS: readonly string[] = [OURS, 'haproxy', 'nginx'];

export async function measureIngress(options: IngressOptions): Promise<IngressRow[]> {
  const jwksServer = createServer((_request, response) => {
    response.setHeader('Content-Type', 'application/json').end(files.jwks);
  });
  await new Promise<void>((resolve) => jwksServer.listen(0, '127.0.0.1', resolve));
  const files = writeBenchFiles(`http://127.0.0.1:${(jwksServer.address() as AddressInfo).port}/certs`);
  const started: Peer[] = [];
  try {
    const origin = await startOrigin(files, LOAD_CORE);
    started.push(origin);
    const peers: Peer[] = [];
    for (const start of options.peers.map((name) => starterOf(name, options.profiles))) {
      const peer = await start(files, origin.port);
      peers.push(peer);
      started.push(peer);
    }
    return await interleave(peers, options, { ...files, connections: 48, core: LOAD_CORE });
  } finally {
    for (const peer of started) await stopPeer(peer);
    await new Promise((resolve) => jwksServer.close(resolve));
    rmSync(files.directory, { recursive: true, force: true });
  }
}

function starterOf(name: string, profiles: string | undefined): StartPeer {
  switch (name) {
    case OURS:
      return (files, origin) => startSidecarPeer(files, origin, profiles);
    case 'nginx':
      return startNginx;
    case 'haproxy':
      return startHaproxy;
    default:
      if (!name.endsWith('.ts'))
        throw new Error(`there is no peer "${name}": ${INGRESS_PEERS.join(', ')}, or a script`);
      return (files, origin) => startScript(name, files, origin);
  }
}

async function interleave(
  peers: readonly Peer[],
  { rounds, secondsPerRound, progress }: IngressOptions,
  load: Omit<Parameters<typeof runRound>[1], 'seconds'>,
): Promise<IngressRow[]> {
  const results = new Map<string, Round[]>(peers.map(({ name }) => [name, []]));
  for (const peer of peers) await runRound(peer, { ...load, seconds: 2 });
  for (let round = 1; round <= rounds; round += 1) {
    for (const peer of peers) {
      progress(`round ${round} of ${rounds}: ${peer.name}`);
      results.get(peer.name)?.push(await runRound(peer, { ...load, seconds: secondsPerRound }));
    }
  }
  const ours = results.get(peers[0]?.name ?? '') ?? [];
  return peers.map(({ name, job, process: child }) => {
    const measured = results.get(name) ?? [];
    return {
      name,
      job,
      cpuMicrosPerRequest: summarize(measured.map((round) => round.cpuMicrosPerRequest)),
      requestsPerSecond: summarize(measured.map((round) => round.requestsPerSecond)),
      ratio: summarize(
        measured.map((round, index) => round.cpuMicrosPerRequest / (ours[index]?.cpuMicrosPerRequest ?? Number.NaN)),
      ),
      residentMebibytes: residentBytes(child.pid ?? 0) / 1_048_576,
    };
  });
}

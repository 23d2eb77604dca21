/** Where a scenario plays: files, an issuer's keys, the service behind, and the peers that were started for it. */
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BenchFiles, writeBenchFiles } from './files.ts';
import { type Peer, stopPeer } from './peer.ts';
import { startOrigin } from './peers/origin.ts';

export interface Stage extends AsyncDisposable {
  readonly files: BenchFiles;
  readonly origin: Peer;
  /** Starts a peer that ends with the stage. */
  start(starter: StartPeer): Promise<Peer>;
}

export type StartPeer = (files: BenchFiles, origin: number) => Promise<Peer>;

export async function openStage(): Promise<Stage> {
  const jwksServer = createServer((_request, response) => {
    response.setHeader('Content-Type', 'application/json').end(files.jwks);
  });
  await new Promise<void>((resolve) => jwksServer.listen(0, '127.0.0.1', resolve));
  const files = writeBenchFiles(`http://127.0.0.1:${(jwksServer.address() as AddressInfo).port}/certs`);
  const started: Peer[] = [];
  const close = async (): Promise<void> => {
    for (const peer of started.toReversed()) await stopPeer(peer);
    jwksServer.closeAllConnections();
    await new Promise((resolve) => jwksServer.close(resolve));
    rmSync(files.directory, { recursive: true, force: true });
  };
  const start: Stage['start'] = async (starter) => {
    const peer = await starter(files, started[0]?.port ?? 0);
    started.push(peer);
    return peer;
  };
  try {
    const origin = await start(startOrigin);
    return { files, origin, start, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

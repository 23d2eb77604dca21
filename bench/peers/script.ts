/** A peer in TypeScript: a script that gets its port, the origin's, and the files of certificate, key, client CA and issuer. */
import path from 'node:path';
import { PEER_CORE } from '../cores.ts';
import type { BenchFiles } from '../files.ts';
import { freePort, type Peer, startPeer } from '../peer.ts';

export async function startScript(
  script: string,
  job: string,
  files: BenchFiles,
  origin: number,
  flags: readonly string[] = [],
): Promise<Peer> {
  const port = await freePort();
  const { serverCert, serverKey, ca, publicKeys } = files;
  return startPeer({
    name: path.basename(script, '.ts'),
    job,
    port,
    core: PEER_CORE,
    command: process.execPath,
    args: [...flags, script, String(port), String(origin), serverCert, serverKey, ca, publicKeys.RS256],
  });
}

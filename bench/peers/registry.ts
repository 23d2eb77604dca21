/** The peers by name. */
import path from 'node:path';
import type { StartPeer } from '../stage.ts';
import { startHaproxy } from './haproxy.ts';
import { startNginx } from './nginx.ts';
import { startScript } from './script.ts';
import { startSidegate } from './sidegate.ts';

export const OURS = 'sidegate';

const PEERS: Readonly<Record<string, StartPeer>> = {
  nginx: startNginx,
  haproxy: startHaproxy,
};

/**
 * @param name of a peer, or the file of a prototype
 * @param profiles where the profile of our sidecar goes, if it is to be profiled
 * @throws Error for a name that nobody has
 */
export function starterOf(name: string, profiles?: string): StartPeer {
  if (name === OURS) return (files, origin) => startSidegate(files, origin, { profiles });
  if (name.endsWith('.ts')) return (files, origin) => startScript(path.resolve(name), 'a prototype', files, origin);
  const starter = PEERS[name];
  if (starter === undefined) throw new Error(`there is no peer "${name}": ${OURS}, ${Object.keys(PEERS).join(', ')}`);
  return starter;
}

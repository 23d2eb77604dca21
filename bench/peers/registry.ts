/** The peers by name. */
import path from 'node:path';
import type { ScenarioOptions } from '../scenario.ts';
import type { StartPeer } from '../stage.ts';
import { BINARIES, isInstalled } from './binaries.ts';
import { startEnvoy, startEnvoyWithOpa } from './envoy.ts';
import { startHaproxy } from './haproxy.ts';
import { startNginx } from './nginx.ts';
import { startOauth2Proxy } from './oauth2-proxy.ts';
import { pump } from './pump.ts';
import { startScript } from './script.ts';
import { startSidegate } from './sidegate.ts';

export const OURS = 'sidegate';

const PEERS: Readonly<Record<string, StartPeer>> = {
  nginx: startNginx,
  haproxy: startHaproxy,
  envoy: startEnvoy,
  'envoy-opa': startEnvoyWithOpa,
  'oauth2-proxy': startOauth2Proxy,
  'jose-undici': written('jose-undici', 'mutual TLS, token (node:https, jose, undici by hand), claims, headers'),
  pump: pump('pump', 'mutual TLS, bytes; no HTTP'),
  'pump-verifying': pump('pump-verifying', 'mutual TLS, bytes, signature of the token; no HTTP'),
  express: written(
    'express',
    'mutual TLS, token (express-jwt), claims, headers (http-proxy-middleware, keep-alive agent)',
  ),
};

function written(name: string, job: string): StartPeer {
  const script = path.join(import.meta.dirname, '../peers-node', `${name}.ts`);
  return (files, origin) => startScript(script, job, files, origin);
}

export const PEER_NAMES: readonly string[] = Object.keys(PEERS);

/** No proxies, but what Node leaves to win. */
export const PUMPS: readonly string[] = ['pump', 'pump-verifying'];

/** Who never answers that a token is wrong. */
export const FLOORS: readonly string[] = ['nginx', ...PUMPS];

/** @returns who is compared with the others: ours, if nobody else is named */
export function firstOf({ peers, profiles }: ScenarioOptions): StartPeer {
  return starterOf(peers?.[0] ?? OURS, profiles);
}

/** Those whose binaries are not there. */
export function missingPeers(): string[] {
  const names = Object.keys(BINARIES) as (keyof typeof BINARIES)[];
  return names.filter((name) => !isInstalled(name) || (name === 'envoy-opa' && !isInstalled('envoy')));
}

/**
 * @param name of a peer, the file of a prototype, or `sidegate@` and the folder of another checkout that is built
 * @param profiles where the profile of our sidecar goes, if it is to be profiled
 * @throws Error for a name that nobody has
 */
export function starterOf(name: string, profiles?: string): StartPeer {
  if (name === OURS) return (files, origin) => startSidegate(files, origin, { profiles });
  const [, checkout] = /^sidegate@(.+)$/.exec(name) ?? [];
  if (checkout !== undefined)
    return (files, origin) => startSidegate(files, origin, { checkout: path.resolve(checkout) });
  if (name.endsWith('.ts')) return (files, origin) => startScript(path.resolve(name), 'a prototype', files, origin);
  const starter = PEERS[name];
  if (starter === undefined) throw new Error(`there is no peer "${name}": ${OURS}, ${PEER_NAMES.join(', ')}`);
  return starter;
}

/** What the issuer needs of the process: time, chance, keys that others publish, and what it remembers. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  type Clock,
  createDpopNonces,
  createFetchedJwks,
  httpJwksLoader,
  type JwksLoader,
  type JwksSource,
  type KeyUse,
  memoryReplayStore,
} from '@sidegate/sdk';
import type { IssuerOptions } from '../authority/issuer/start.ts';
import { createHttpClient } from '../net/http-client.ts';
import type { ProofConfig } from './issuer-config.ts';

type Ports = Pick<IssuerOptions, 'clock' | 'random' | 'replay' | 'fetchKeys' | 'trustBundles' | 'nonces'>;

export interface IssuerPorts {
  readonly ports: Ports;
  readonly close: () => Promise<void>;
}

/** 100 MB when they are all used. */
const MAX_REPLAY_ENTRIES = 1_000_000;

const NONCE_SECRET_BYTES = 32;
/** Trust bundles change whenever their authority rotates. */
const BUNDLE_REFRESH_SECONDS = 60;

export function issuerPorts({ trust_domains: domains, dpop }: ProofConfig): IssuerPorts {
  const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
  const http = createHttpClient({ connectTo: new Map() });
  const sources: JwksSource[] = [];
  const follow = (
    load: JwksLoader,
    options: { readonly use?: KeyUse; readonly refreshIntervalSeconds?: number } = {},
  ) => {
    const source = createFetchedJwks({ load, clock, random: () => Math.random(), schedule, ...options });
    sources.push(source);
    return source;
  };
  const bundles = domains.map(({ trust_domain: name, bundle_url: url, bundle_file: file = '' }) => {
    const load = url === undefined ? () => readFile(file) : httpJwksLoader(http.send, url);
    return [name, follow(load, { use: 'jwt-svid', refreshIntervalSeconds: BUNDLE_REFRESH_SECONDS })] as const;
  });
  const secret = Buffer.from(dpop.nonce_secret?.reveal() ?? randomBytes(NONCE_SECRET_BYTES));
  return {
    ports: {
      clock,
      random: randomBytes,
      replay: memoryReplayStore({ maxEntries: MAX_REPLAY_ENTRIES, clock }),
      fetchKeys: (url) => follow(httpJwksLoader(http.send, url)),
      trustBundles: new Map(bundles),
      ...(dpop.require_nonce ? { nonces: createDpopNonces({ secret, clock }) } : {}),
    },
    close: async () => {
      for (const source of sources) source.close();
      await http.close();
    },
  };
}

function schedule(delayMs: number, task: () => void): () => void {
  const timer = setTimeout(task, delayMs).unref();
  return () => clearTimeout(timer);
}

/** What the issuer needs of the process: time, chance, keys that others publish, and what it remembers. */
import { randomBytes } from 'node:crypto';
import { type Clock, createFetchedJwks, httpJwksLoader, type JwksSource, memoryReplayStore } from '@sidegate/sdk';
import type { IssuerOptions } from '../authority/issuer/start.ts';
import { createHttpClient } from '../net/http-client.ts';

type Ports = Pick<IssuerOptions, 'clock' | 'random' | 'replay' | 'fetchKeys'>;

export interface IssuerPorts {
  readonly ports: Ports;
  close(): Promise<void>;
}

/** 100 MB when they are all used. */
const MAX_REPLAY_ENTRIES = 1_000_000;

export function issuerPorts(): IssuerPorts {
  const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
  const http = createHttpClient({ connectTo: new Map() });
  const sources: JwksSource[] = [];
  const fetchKeys = (url: string): JwksSource => {
    const source = createFetchedJwks({
      load: httpJwksLoader(http.send, url),
      clock,
      random: () => Math.random(),
      schedule: (delayMs, task) => {
        const timer = setTimeout(task, delayMs).unref();
        return () => clearTimeout(timer);
      },
    });
    sources.push(source);
    return source;
  };
  return {
    ports: {
      clock,
      random: randomBytes,
      replay: memoryReplayStore({ maxEntries: MAX_REPLAY_ENTRIES, clock }),
      fetchKeys,
    },
    close: async () => {
      for (const source of sources) source.close();
      await http.close();
    },
  };
}

/** How many files and sockets this process may have open, and how many of them are for connections of clients. */
import { readFileSync } from 'node:fs';

/** For files, keys, token requests and the admin listener. */
const RESERVED = 64;
/** An open connection takes about 60 KiB with TLS: so many leave a sidecar below 256 MiB. */
const MOST_SECURE = 1_536;
const MOST_PLAIN = 2_560;

/** @returns undefined where the system does not tell */
export function maxDescriptors(): number | undefined {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined;
  }
}

export interface ListenerShare {
  /** That listen in this process. */
  readonly listeners: number;
  readonly secure: boolean;
}

/** For one listener. Half of the descriptors are shared, because each request may need another connection, to its upstream. */
export function maxConnections(
  { listeners, secure }: ListenerShare,
  descriptors: number = maxDescriptors() ?? Infinity,
): number {
  const half = Math.floor((descriptors - RESERVED) / 2);
  return Math.max(1, Math.min(secure ? MOST_SECURE : MOST_PLAIN, Math.floor(half / listeners)));
}

/** How many files and sockets this process may have open, and how many of them are for connections of clients. */
import { readFileSync } from 'node:fs';

/** For files, keys, token requests and the admin listener. */
const RESERVED = 64;
/** A connection over TLS takes about 40 KiB. */
const MOST_CONNECTIONS = 2_560;

/** @returns undefined where the system does not tell */
export function maxDescriptors(): number | undefined {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined;
  }
}

/**
 * For each of so many listeners. Half of what there is, because a request may need a connection to its upstream.
 */
export function maxConnections(listeners: number, descriptors: number = maxDescriptors() ?? Infinity): number {
  const half = Math.floor((descriptors - RESERVED) / 2);
  return Math.max(1, Math.min(MOST_CONNECTIONS, Math.floor(half / listeners)));
}

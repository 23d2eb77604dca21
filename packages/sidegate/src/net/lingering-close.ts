/**
 * Ends a connection from which not everything was read. Closing it at once would make the kernel reset it, and the
 * peer could lose the answer that tells it why: RFC 9112 section 9.6.
 */
import type { Duplex } from 'node:stream';

const LINGER_MS = 1_000;

/** Says good-bye after what is already written, throws away what still comes, and cuts when that takes too long. */
export function lingeringClose(socket: Duplex): void {
  const cut = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(cut));
  socket.end();
  socket.resume();
}

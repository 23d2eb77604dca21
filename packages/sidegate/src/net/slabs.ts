/**
 * Places for pieces of a body between two sockets, used again and again: to allocate and collect a place for each piece would cost
 * several times what the copy does.
 */
import type { Writable } from 'node:stream';

/** What one read of an upstream brings at most. */
export const SLAB_BYTES = 64 * 1024;

/** Kept for the next piece; more are in use only while many receivers are slow. */
const MAX_FREE = 32;

const free: Buffer[] = [];

/**
 * Writes a copy, so that the bytes may be overwritten when this returns.
 *
 * @returns false when the receiver is slow
 */
export function writeCopy(socket: Writable, bytes: Buffer, start: number, end: number): boolean {
  let taken = true;
  for (let at = start; at < end; at += SLAB_BYTES) {
    const slab = free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
    const length = bytes.copy(slab, 0, at, Math.min(at + SLAB_BYTES, end));
    taken = socket.write(slab.subarray(0, length), () => {
      if (free.length < MAX_FREE) free.push(slab);
    });
  }
  return taken;
}

/** Random identifiers at the price of one system call for many of them. */
import type { RandomHex } from './trace-context.ts';

const POOL_BYTES = 4096;

/** @param randomBytes a cryptographic source; every byte it gives is used once */
export function createRandomHex(randomBytes: (bytes: number) => Buffer): RandomHex {
  let pool = randomBytes(POOL_BYTES);
  let next = 0;
  return (bytes) => {
    if (next + bytes > POOL_BYTES) {
      pool = randomBytes(POOL_BYTES);
      next = 0;
    }
    const start = next;
    next += bytes;
    return pool.toString('hex', start, next);
  };
}

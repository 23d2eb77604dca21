/** Random identifiers at the price of one system call for many of them. */
import type { RandomHex } from './trace-context.ts';

const POOL_BYTES = 4096;

/** @param randomBytes a cryptographic source; every byte it gives is used once */
export function createRandomHex(randomBytes: (bytes: number) => Buffer): RandomHex {
  let digits = '';
  let next = 0;
  return (bytes) => {
    const length = bytes * 2;
    if (next + length > digits.length) {
      digits = randomBytes(POOL_BYTES).toString('hex');
      next = 0;
    }
    const start = next;
    next += length;
    return digits.slice(start, next);
  };
}

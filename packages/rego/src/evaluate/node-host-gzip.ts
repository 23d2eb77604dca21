/** Unpacking gzip with Node's zlib, which checks sums and refuses what follows the last member. */
import { gunzipSync } from 'node:zlib';

export function gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return gunzipSync(bytes, { maxOutputLength: maxBytes });
}

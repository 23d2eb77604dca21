/** The keys by which one caller signs: scoped to it, because a key id says nothing of whose it is. */
import type { SignatureKey } from './algorithms.ts';

export interface SignatureKeys {
  /** The key of this id, if this caller has it. */
  find(keyid: string): SignatureKey | undefined | Promise<SignatureKey | undefined>;
  close(): void;
}

/**
 * Keys that are known beforehand. During a rotation both keys stand here.
 *
 * @param keys by key id
 */
export function fixedKeys(keys: Readonly<Record<string, SignatureKey>>): SignatureKeys {
  const known = new Map(Object.entries(keys));
  return { find: (keyid) => known.get(keyid), close: () => {} };
}

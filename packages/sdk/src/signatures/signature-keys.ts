/** The keys by which one caller signs: scoped to it, because a key id says nothing of whose it is. */
import type { SignatureKey } from './algorithms.ts';

export interface SignatureKeys {
  /** The key of this id, if this caller is known to have it; asking never fetches. */
  current(keyid: string): SignatureKey | undefined;
  /** What to wait for before asking again; undefined when nothing better can be known for now. */
  refreshFor(keyid: string): Promise<void> | undefined;
  close(): void;
}

/**
 * Keys that are known beforehand. During a rotation both keys stand here.
 *
 * @param keys by key id
 */
export function fixedKeys(keys: Readonly<Record<string, SignatureKey>>): SignatureKeys {
  const known = new Map(Object.entries(keys));
  return { current: (keyid) => known.get(keyid), refreshFor: () => undefined, close: () => {} };
}

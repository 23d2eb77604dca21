/** Keys that follow each other by themselves: a first one at the start, then a new one every so often, published before it signs. */
import type { Clock } from '@sidegate/sdk';
import type { SignatureAlgorithm } from '../issuer/signing-key.ts';
import type { KeyStore, ListedKey } from './key-store.ts';

export interface KeyRotation {
  readonly realms: readonly string[];
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly rotateEveryMs: number;
  /** How long a key is published before it signs: longer than verifiers keep a key set. */
  readonly publishBeforeMs: number;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Does what is due, and reads what other replicas did.
 *
 * @returns the keys that are new
 */
export async function rotateDueKeys(keys: KeyStore, rotation: KeyRotation): Promise<ListedKey[]> {
  const { realms, algorithms, clock } = rotation;
  await keys.refresh();
  const added: ListedKey[] = [];
  for (const realm of realms) {
    for (const algorithm of algorithms) {
      const newest = keys.list().findLast((key) => key.realm === realm && key.algorithm === algorithm);
      const activateAt = dueAt(newest, rotation, clock.now());
      if (activateAt !== undefined) added.push(await keys.rotate(realm, algorithm, activateAt));
    }
  }
  return added;
}

/** When a key that has to be made now begins to sign; undefined: none has to be made. */
function dueAt(newest: ListedKey | undefined, rotation: KeyRotation, nowMs: number): number | undefined {
  if (newest === undefined || newest.state === 'retired') return nowMs;
  const signsUntil = newest.activateAt + rotation.rotateEveryMs;
  return signsUntil - rotation.publishBeforeMs <= nowMs
    ? Math.max(signsUntil, nowMs + rotation.publishBeforeMs)
    : undefined;
}

/**
 * The life of a signing key, told by the clock alone, so that replicas agree without speaking: published, then signing, then only
 * verifying until the last token that it signed has expired, then gone.
 */
import type { SignatureAlgorithm, SigningKey } from '../issuer/signing-key.ts';

export interface KeyRecord {
  readonly kid: string;
  readonly realm: string;
  readonly algorithm: SignatureAlgorithm;
  /** Counts the keys of a realm and algorithm from 1. */
  readonly generation: number;
  readonly publicJwk: SigningKey['publicJwk'];
  readonly handle: string;
  /** Milliseconds since the Unix epoch, like all times here. */
  readonly createdAt: number;
  /** From then on it signs, until its successor does. */
  readonly activateAt: number;
  /** Taken away by hand: from then on nothing that it signed is worth anything. */
  readonly retiredAt: number | undefined;
}

export type KeyState = 'next' | 'current' | 'retiring' | 'retired';

/**
 * @param family all keys of one realm and algorithm
 * @param keepVerifyingMs the longest life of a token, and what clocks may differ
 */
export function keyState(
  record: KeyRecord,
  family: readonly KeyRecord[],
  { nowMs, keepVerifyingMs }: { readonly nowMs: number; readonly keepVerifyingMs: number },
): KeyState {
  if (record.retiredAt !== undefined && record.retiredAt <= nowMs) return 'retired';
  if (record.activateAt > nowMs) return 'next';
  const succeededAt = Math.min(
    ...family.filter(({ generation }) => generation > record.generation).map(({ activateAt }) => activateAt),
  );
  if (succeededAt > nowMs) return 'current';
  return succeededAt + keepVerifyingMs > nowMs ? 'retiring' : 'retired';
}

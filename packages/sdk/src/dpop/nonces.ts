/**
 * Nonces that a server hands out and knows again without remembering them, RFC 9449 sections 8 and 9: a MAC over the time. A proof that
 * carries one was made after it was handed out, so nobody can make proofs in advance.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../ports.ts';

export interface DpopNonces {
  /** What a client should put into its next proof. */
  current(): string;
  accepts(nonce: string): boolean;
}

export interface DpopNonceOptions {
  /** Shared by all replicas that know each other's nonces; 32 bytes at least. */
  readonly secret: Uint8Array;
  readonly clock: Pick<Clock, 'now'>;
  /** Accepted for one to two such periods: 120 by default. */
  readonly periodSeconds?: number;
}

const MIN_SECRET_BYTES = 32;

/** @throws RangeError when the secret is short */
export function createDpopNonces({ secret, clock, periodSeconds = 120 }: DpopNonceOptions): DpopNonces {
  if (secret.length < MIN_SECRET_BYTES) throw new RangeError(`the secret has less than ${MIN_SECRET_BYTES} bytes`);
  const period = (): number => Math.floor(clock.now() / 1000 / periodSeconds);
  const nonceOf = (number: number): string =>
    createHmac('sha256', secret).update(`dpop-nonce:${number}`).digest('base64url');
  return {
    current: () => nonceOf(period()),
    accepts: (nonce) => [period(), period() - 1].some((number) => isSame(nonce, nonceOf(number))),
  };
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

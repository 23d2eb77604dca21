/**
 * Identifiers that are unique for ever: UUIDs of version 7 (RFC 9562 section 5.7), 74 random bits behind the time. Those of one moment stand
 * together in the store's index, so that a commit writes a few pages however many tokens it holds.
 */
import type { Clock } from '@sidegate/sdk';

export interface TokenIdSource {
  readonly clock: Pick<Clock, 'now'>;
  /** Cryptographically strong bytes. */
  readonly random: (bytes: number) => Buffer;
}

const RANDOM_BYTES = 10;
/** Strong bytes are cheap by the page and dear by the ten. */
const DRAWN_AT_ONCE = 256 * RANDOM_BYTES;
const TIME_DIGITS = 12;
/** What the fourth group begins with: two bits of it are fixed. */
const VARIANTS = ['8', '9', 'a', 'b'] as const;

export function tokenIds({ clock, random }: TokenIdSource): () => string {
  let drawn = '';
  let at = 0;
  return () => {
    if (at >= drawn.length) {
      drawn = random(DRAWN_AT_ONCE).toString('hex');
      at = 0;
    }
    const time = clock.now().toString(16).padStart(TIME_DIGITS, '0');
    const chance = drawn.slice(at, at + 2 * RANDOM_BYTES);
    at += 2 * RANDOM_BYTES;
    const variant = VARIANTS[Number.parseInt(chance[3] ?? '0', 16) & 3];
    return `${time.slice(0, 8)}-${time.slice(8)}-7${chance.slice(0, 3)}-${variant}${chance.slice(4, 7)}-${chance.slice(8)}`;
  };
}

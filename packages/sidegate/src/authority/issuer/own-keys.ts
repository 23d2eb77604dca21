/** The keys of a realm as whoever verifies its tokens sees them; the issuer itself verifies by them too. */
import { createPushedJwks, type JwksSource } from '@sidegate/sdk';
import type { KeyRing } from './signing-key.ts';

/** Follows the ring: what is published at the moment of a question is what verifies. */
export function ownKeys(ring: KeyRing): JwksSource {
  const source = createPushedJwks();
  let known = '';
  const follow = (): void => {
    const keys = ring.published();
    const kids = keys.map(({ kid }) => kid).join(' ');
    if (kids === known) return;
    source.push(Buffer.from(JSON.stringify({ keys })));
    known = kids;
  };
  return {
    ...source,
    current: () => {
      follow();
      return source.current();
    },
    refreshFor: (kid) => {
      follow();
      return source.refreshFor(kid);
    },
  };
}

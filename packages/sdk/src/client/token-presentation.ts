/** How an access token is shown to a target: by whoever bears it (RFC 6750), or with the proof of our key (RFC 9449 section 7). */

import { asksForNonce } from '../dpop/challenge.ts';
import type { DpopProver } from '../dpop/prover.ts';
import type { Clock } from '../ports.ts';
import type { Credentials, OutgoingRequest } from './credentials.ts';

export interface TokenPresentation {
  readonly present: (accessToken: string, request: OutgoingRequest) => Readonly<Record<string, string>>;
  /** Undefined: no answer is of interest. */
  readonly answered: Credentials['answered'];
}

export const BEARER: TokenPresentation = {
  present: (accessToken) => ({ authorization: `Bearer ${accessToken}` }),
  answered: undefined,
};

/** A proof is for one attempt: it has the method and the URL of this request, and the nonce that its server asked for last. */
export function proven(prover: DpopProver, clock: Pick<Clock, 'now'>): TokenPresentation {
  return {
    present: (accessToken, { method, url }) => ({
      authorization: `DPoP ${accessToken}`,
      dpop: prover.prove({ method, url: url.href, accessToken }, clock.now()),
    }),
    // Section 9: a nonce may come with any answer, and is asked for by one.
    answered({ url }, { status, headers }) {
      const isNew = prover.learn(url.href, headers.get('dpop-nonce') ?? undefined);
      return isNew && status === 401 && asksForNonce(headers.get('www-authenticate'));
    },
  };
}

/** How an access token is shown to a target: by whoever bears it (RFC 6750), or with the proof of our key (RFC 9449 section 7). */
import type { Clock, DpopProver } from '@sidegate/sdk';
import type { Fields } from '../../net/fields.ts';
import type { CredentialFields, OutgoingCall } from '../../proxy/credential.ts';
import { setField } from '../../proxy/headers.ts';

export interface TokenPresentation {
  readonly present: (token: Hidden, call: OutgoingCall) => CredentialFields;
  readonly answered: (fields: Fields) => void;
}

interface Hidden {
  reveal(): string;
}

export const BEARER: TokenPresentation = {
  present: (token) => [setField('Authorization', `Bearer ${token.reveal()}`, 'authorization')],
  answered: () => undefined,
};

/** @param origin of the target, as it knows itself */
export function proven(origin: string, prover: DpopProver, clock: Pick<Clock, 'now'>): TokenPresentation {
  return {
    present: (token, { permit: { method, path } }) => {
      const accessToken = token.reveal();
      const proof = prover.prove({ method, url: `${origin}${path}`, accessToken }, clock.now());
      return [setField('Authorization', `DPoP ${accessToken}`, 'authorization'), setField('DPoP', proof, 'dpop')];
    },
    answered: (fields) => {
      // Most answers have none, and the request is worth no more for it.
      if (fields.has('dpop-nonce')) prover.learn(origin, fields.single('dpop-nonce'));
    },
  };
}

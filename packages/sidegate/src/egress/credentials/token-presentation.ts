/** How an access token is shown to a target: by whoever bears it (RFC 6750), or with the proof of our key (RFC 9449 section 7). */
import type { Clock, DpopProver } from '@sidegate/sdk';
import type { Credential, CredentialFields, OutgoingCall } from '../../proxy/credential.ts';
import { setField } from '../../proxy/headers.ts';

export interface TokenPresentation {
  readonly present: (token: Hidden, call: OutgoingCall) => CredentialFields;
  /** Undefined: no answer is of interest. */
  readonly answered: Credential['answered'];
}

interface Hidden {
  reveal(): string;
}

const ASKS_FOR_NONCE = 'error="use_dpop_nonce"';

export const BEARER: TokenPresentation = {
  present: (token) => [setField('Authorization', `Bearer ${token.reveal()}`, 'authorization')],
  answered: undefined,
};

/** @param origin of the target, as it knows itself */
export function proven(origin: string, prover: DpopProver, clock: Pick<Clock, 'now'>): TokenPresentation {
  return {
    present: (token, { permit: { method, path } }) => {
      const accessToken = token.reveal();
      const proof = prover.prove({ method, url: `${origin}${path}`, accessToken }, clock.now());
      return [setField('Authorization', `DPoP ${accessToken}`, 'authorization'), setField('DPoP', proof, 'dpop')];
    },
    // RFC 9449 section 9: a nonce may come with any answer, and is asked for by one.
    answered: ({ status, fields }) => {
      if (!fields.has('dpop-nonce')) return false;
      const isNew = prover.learn(origin, fields.single('dpop-nonce'));
      return isNew && status === 401 && fields.all('www-authenticate').some((value) => value.includes(ASKS_FOR_NONCE));
    },
  };
}

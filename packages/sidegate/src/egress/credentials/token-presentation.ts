/** How an access token is shown to a target: by whoever bears it (RFC 6750), or with the proof of our key (RFC 9449 section 7). */
import { asksForNonce, type Clock, type DpopProver } from '@sidegate/sdk';
import type { ResponseHead } from '../../net/response-parser.ts';
import type { CredentialFields, OutgoingCall } from '../../proxy/credential.ts';
import { setField } from '../../proxy/headers.ts';

export interface TokenPresentation {
  readonly present: (token: Hidden, call: OutgoingCall) => CredentialFields;
  /** Undefined: no answer is of interest. */
  readonly answered: ((head: ResponseHead) => boolean) | undefined;
  /** A proof is good for one attempt. */
  readonly perAttempt: boolean;
}

interface Hidden {
  reveal(): string;
}

export const BEARER: TokenPresentation = {
  present: (token) => [setField('Authorization', `Bearer ${token.reveal()}`, 'authorization')],
  answered: undefined,
  perAttempt: false,
};

/** @param origin of the target, as it knows itself */
export function proven(origin: string, prover: DpopProver, clock: Pick<Clock, 'now'>): TokenPresentation {
  return {
    present: (token, { permit: { method, path } }) => {
      const accessToken = token.reveal();
      const proof = prover.prove({ method, url: `${origin}${path}`, accessToken }, clock.now());
      return [setField('Authorization', `DPoP ${accessToken}`, 'authorization'), setField('DPoP', proof, 'dpop')];
    },
    perAttempt: true,
    // RFC 9449 section 9: a nonce may come with any answer, and is asked for by one.
    answered: ({ status, fields }) => {
      if (!fields.has('dpop-nonce')) return false;
      const isNew = prover.learn(origin, fields.single('dpop-nonce'));
      return isNew && status === 401 && fields.all('www-authenticate').some(asksForNonce);
    },
  };
}

/** RFC 6750 section 3.1: the token is expired, revoked, or not good for another reason. */
export function refusesToken({ status, fields }: ResponseHead): boolean {
  return status === 401 && fields.all('www-authenticate').some((value) => /\berror="?invalid_token\b/.test(value));
}

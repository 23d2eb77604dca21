/** A token that a target refuses is dropped, since somebody took it back, and what can be asked again is asked again with the next one. */
import type { AccessToken } from '@sidegate/sdk';
import type { Credential, CredentialFields, OutgoingCall } from '../../proxy/credential.ts';
import { refusesToken, type TokenPresentation } from './token-presentation.ts';

/** Where a call's token comes from. */
export interface HeldToken {
  token(): AccessToken | Promise<AccessToken>;
  /** Not accepted: the next call asks for another, unless one was only just asked for. */
  refused(token: string): void;
}

interface Dropping extends Pick<Credential, 'perAttempt'> {
  readonly fields: (held: HeldToken, call: OutgoingCall) => CredentialFields | Promise<CredentialFields>;
  readonly answered: NonNullable<Credential['answered']>;
}

export function droppingRefused({ present, answered, perAttempt }: TokenPresentation): Dropping {
  const shown = new WeakMap<OutgoingCall, { readonly held: HeldToken; readonly token: AccessToken }>();
  const presented = (held: HeldToken, token: AccessToken, call: OutgoingCall): CredentialFields => {
    shown.set(call, { held, token });
    return present(token, call);
  };
  return {
    perAttempt,
    fields: (held, call) => {
      const token = held.token();
      return token instanceof Promise ? token.then((one) => presented(held, one, call)) : presented(held, token, call);
    },
    answered: (head, call) => {
      if (answered?.(head) === true) return true;
      const last = shown.get(call);
      return last !== undefined && refusesToken(head) && hasAnother(last.held, last.token);
    },
  };
}

/** There is another one already, or it is asked for now. */
function hasAnother(held: HeldToken, refused: AccessToken): boolean {
  held.refused(refused.reveal());
  const next = held.token();
  if (!(next instanceof Promise)) return next.reveal() !== refused.reveal();
  // Whoever sends the request again is told.
  next.catch(() => undefined);
  return true;
}

/** `auth.type: oauth2_client_credentials`: RFC 6749 section 4.4, the token cached by its source until a target refuses it. */
import type { AccessToken, TokenSource } from '@sidegate/sdk';
import type { Credential, OutgoingCall } from '../../proxy/credential.ts';
import { refusesToken, type TokenPresentation } from './token-presentation.ts';

export function clientCredentials(source: TokenSource, presentation: TokenPresentation): Credential {
  const { perAttempt } = presentation;
  const shown = new WeakMap<OutgoingCall, AccessToken>();
  const present = (token: AccessToken, call: OutgoingCall) => {
    shown.set(call, token);
    return presentation.present(token, call);
  };
  return {
    perAttempt,
    fields: (call) => {
      const token = source.token();
      return token instanceof Promise ? token.then((one) => present(one, call)) : present(token, call);
    },
    answered: (head, call) => {
      if (presentation.answered?.(head) === true) return true;
      const token = shown.get(call);
      return token !== undefined && refusesToken(head) && hasAnother(source, token);
    },
    close: () => source.close(),
  };
}

/** Somebody took it back: there is another one already, or it is asked for now, unless that was only just so. */
function hasAnother(source: TokenSource, refused: AccessToken): boolean {
  source.refused(refused.reveal());
  const next = source.token();
  if (!(next instanceof Promise)) return next.reveal() !== refused.reveal();
  // Whoever sends the request again is told.
  next.catch(() => undefined);
  return true;
}

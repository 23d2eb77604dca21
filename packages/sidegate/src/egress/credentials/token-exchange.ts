/** `auth.type: token_exchange`: RFC 8693, the caller's own token traded for one that the target accepts; one for each caller's token. */
import type { ExchangedTokens } from '@sidegate/sdk';
import type { Credential } from '../../proxy/credential.ts';
import { droppingRefused, type HeldToken } from './dropping-refused.ts';
import type { TokenPresentation } from './token-presentation.ts';

export function tokenExchange(tokens: ExchangedTokens, presentation: TokenPresentation): Credential {
  const { fields, ...dropping } = droppingRefused(presentation);
  const heldFor = (subject: string): HeldToken => ({
    token: () => tokens.token(subject),
    refused: (token) => tokens.refused(subject, token),
  });
  return {
    ...dropping,
    fields: (call) => {
      const subject = call.subjectToken();
      return subject instanceof Promise
        ? subject.then((one) => fields(heldFor(one), call))
        : fields(heldFor(subject), call);
    },
    close: () => tokens.close(),
  };
}

/** `auth.type: token_exchange`: RFC 8693, the caller's own token traded for one that the target accepts; one for each caller's token. */
import type { ExchangedTokens } from '@sidegate/sdk';
import type { Credential, CredentialFields, OutgoingCall } from '../../proxy/credential.ts';
import type { TokenPresentation } from './token-presentation.ts';

export function tokenExchange(
  tokens: ExchangedTokens,
  { present, answered, perAttempt }: TokenPresentation,
): Credential {
  const exchanged = (subject: string, call: OutgoingCall): CredentialFields | Promise<CredentialFields> => {
    const token = tokens.token(subject);
    return token instanceof Promise ? token.then((one) => present(one, call)) : present(token, call);
  };
  return {
    fields: (call) => {
      const subject = call.subjectToken();
      return subject instanceof Promise ? subject.then((one) => exchanged(one, call)) : exchanged(subject, call);
    },
    answered,
    perAttempt,
    close: () => tokens.close(),
  };
}

/** `auth.type: oauth2_client_credentials`: RFC 6749 section 4.4, the token cached by its source. */
import type { TokenSource } from '@sidegate/sdk';
import type { Credential } from '../../proxy/credential.ts';
import type { TokenPresentation } from './token-presentation.ts';

export function clientCredentials(source: TokenSource, { present, answered }: TokenPresentation): Credential {
  return {
    fields: (call) => {
      const token = source.token();
      return token instanceof Promise ? token.then((one) => present(one, call)) : present(token, call);
    },
    answered,
    close: () => source.close(),
  };
}

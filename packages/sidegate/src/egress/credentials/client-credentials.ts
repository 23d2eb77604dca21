/** `auth.type: oauth2_client_credentials`: RFC 6749 section 4.4, the token cached by its source. */
import type { TokenSource } from '@sidegate/sdk';
import { setField } from '../../proxy/headers.ts';
import type { Credential, CredentialFields } from '../obtain-credential.ts';

export function clientCredentials(source: TokenSource): Credential {
  return {
    fields: () => {
      const token = source.token();
      return token instanceof Promise ? token.then(authorization) : authorization(token);
    },
    close: () => source.close(),
  };
}

function authorization(token: { reveal(): string }): CredentialFields {
  return [setField('Authorization', `Bearer ${token.reveal()}`, 'authorization')];
}

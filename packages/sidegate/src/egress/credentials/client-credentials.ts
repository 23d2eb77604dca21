/** `auth.type: oauth2_client_credentials`: RFC 6749 section 4.4, the token cached by its source until a target refuses it. */
import type { TokenSource } from '@sidegate/sdk';
import type { Credential } from '../../proxy/credential.ts';
import { droppingRefused } from './dropping-refused.ts';
import type { TokenPresentation } from './token-presentation.ts';

export function clientCredentials(source: TokenSource, presentation: TokenPresentation): Credential {
  const { fields, ...dropping } = droppingRefused(presentation);
  return {
    ...dropping,
    fields: (call) => fields(source, call),
    prepare: async () => void (await source.token()),
    close: () => source.close(),
  };
}

/** Credentials: a secret that both sides know, in a header. It proves who calls to everybody who sees it, so it leaves over https alone. */
import { isSecure } from '../jwt/secure-url.ts';
import { Problem } from '../problem.ts';
import type { Secret } from '../secret.ts';
import type { Credentials } from './credentials.ts';

export interface SharedSecretOptions {
  /** At least 32 characters of printable ASCII without blanks. */
  readonly secret: Secret;
  /** Default `x-api-key`. */
  readonly header?: string;
}

/**
 * The secret goes with each request as it is.
 *
 * @example
 * ```ts
 * import { sharedSecret } from '@sidegate/sdk/client';
 *
 * const credentials = sharedSecret({ secret: { reveal: () => process.env['PAYMENTS_API_KEY'] ?? '' } });
 * ```
 */
export function sharedSecret({ secret, header = 'x-api-key' }: SharedSecretOptions): Credentials {
  const name = header.toLowerCase();
  return {
    kind: 'shared_secret',
    async authorize({ url }) {
      if (!isSecure(url)) throw new Problem('invalid_request', 'a shared secret is sent over https alone');
      const text = secret.reveal();
      if (!/^[\x21-\x7e]{32,512}$/.test(text)) {
        throw new Problem('shared_secret_invalid', 'the secret is not 32 to 512 printable characters without blanks');
      }
      return { [name]: text };
    },
    refused: () => {},
    close: () => {},
  };
}

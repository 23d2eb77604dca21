/** A token that is written down: for development, where nobody issues any. */
import type { ScopedCredentials } from './credentials.ts';

/** Only clients with `development: true` take these credentials: a written token never ends, and everybody who reads it has it. */
export function staticToken<const Scope extends string = never>(
  token: string,
  scopes: readonly Scope[] = [],
): ScopedCredentials<Scope> {
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) throw new TypeError('this token has characters that no header may carry');
  return {
    kind: 'static',
    scopes,
    authorize: () => Promise.resolve({ authorization: `Bearer ${token}` }),
    refused: () => {},
    close: () => {},
  };
}

/** `auth.type: none`: the certificate alone speaks for us. */
import type { Credential } from '../obtain-credential.ts';

export function noCredential(): Credential {
  return { fields: () => [], close: () => undefined };
}

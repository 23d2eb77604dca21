/** `auth.type: none` and `mtls`: no header field, the certificate alone speaks for us, if there is one. */
import type { Credential } from '../../proxy/credential.ts';

export function noCredential(): Credential {
  return { fields: () => [], close: () => undefined };
}

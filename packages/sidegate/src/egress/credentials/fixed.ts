/** `auth.type: bearer`, `basic` and `api_key`: one header field that stays the same as long as the configuration does. */

import type { Credential, CredentialFields } from '../../proxy/credential.ts';
import { setField } from '../../proxy/headers.ts';

/** Asked once; the configuration has checked that a header can carry it. */
interface Hidden {
  reveal(): string;
}

export function bearerToken(token: Hidden): Credential {
  return fixed([setField('Authorization', `Bearer ${token.reveal()}`, 'authorization')]);
}

/** RFC 7617, in UTF-8. */
export function basicCredentials(username: string, password: Hidden): Credential {
  const credentials = Buffer.from(`${username}:${password.reveal()}`).toString('base64');
  return fixed([setField('Authorization', `Basic ${credentials}`, 'authorization')]);
}

export function apiKey(header: string, key: Hidden): Credential {
  return fixed([setField(header, key.reveal())]);
}

function fixed(fields: CredentialFields): Credential {
  return { fields: () => fields, close: () => undefined };
}

/** RFC 6749 section 4.4: a service asks for itself and acts as its service account. */
import { OAuthError } from '../oauth-error.ts';
import type { Authorization, GrantRequest } from './grant.ts';

export function clientCredentials({ client }: GrantRequest): Authorization {
  if (client.serviceAccount === undefined) {
    throw new OAuthError('unauthorized_client', 'this client has no service account');
  }
  return { subject: client.serviceAccount };
}

/**
 * RFC 6749 section 4.3, which RFC 9700 forbids outside demonstrations: only realms marked as a lab offer it.
 * An unknown user and a wrong password cost the same work and get the same answer.
 */
import { OAuthError } from '../oauth-error.ts';
import { secretMatches } from '../secret-digest.ts';
import type { Authorization, GrantRequest } from './grant.ts';

export function password({ realm, client, form, digest }: GrantRequest): Authorization {
  if (!client.directAccess) throw new OAuthError('unauthorized_client', 'this client may not use passwords');
  const username = form.get('username');
  const presented = form.get('password');
  if (username === undefined || presented === undefined) {
    throw new OAuthError('invalid_request', 'username and password are required');
  }
  const user = realm.users.get(username);
  const passwordFits = secretMatches(presented, user?.passwordDigest, digest);
  if (user === undefined || !passwordFits) {
    const detail = user === undefined ? 'unknown user' : 'wrong password';
    throw new OAuthError('invalid_grant', 'the user name or the password is wrong', { detail });
  }
  return { subject: user };
}

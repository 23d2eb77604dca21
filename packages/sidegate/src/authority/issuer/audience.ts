/** Whom a token is for: the audiences that the client's configuration allows, narrowed by what it asks for (RFC 8707). */
import { OAuthError } from './oauth-error.ts';
import type { Client, Scope } from './realm.ts';
import type { TokenForm } from './token-form.ts';

/**
 * `audience` takes any allowed name, `resource` an allowed absolute URI. A token without an audience is never issued.
 *
 * @throws OAuthError `invalid_target`
 */
export function grantAudience(client: Client, scopes: readonly Scope[], form: TokenForm): readonly string[] {
  const allowed = new Set([...client.audiences, ...scopes.flatMap(({ audiences }) => audiences)]);
  if (allowed.size === 0) throw new OAuthError('invalid_target', 'no audience is configured for this client and scope');
  const resource = form.get('resource');
  if (resource !== undefined && !isResourceUri(resource)) {
    throw new OAuthError('invalid_target', 'resource must be an absolute URI without a fragment');
  }
  const requested = [form.get('audience'), resource].filter((target) => target !== undefined);
  if (requested.some((target) => !allowed.has(target))) {
    throw new OAuthError('invalid_target', 'the requested audience is not allowed for this client and scope');
  }
  return requested.length === 0 ? [...allowed] : [...new Set(requested)];
}

function isResourceUri(text: string): boolean {
  return URL.canParse(text) && !text.includes('#');
}

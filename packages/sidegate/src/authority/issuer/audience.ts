/** Whom a token is for: the audiences that the client's configuration allows, narrowed by what it asks for (RFC 8707). */
import { OAuthError } from './oauth-error.ts';
import type { Client, Realm, Scope } from './realm.ts';
import type { TokenForm } from './token-form.ts';

/**
 * `audience` takes any allowed name, `resource` an allowed absolute URI. A token without an audience is never issued,
 * and one for a target has no other.
 *
 * @throws OAuthError `invalid_target`
 */
export function grantAudience(client: Client, scopes: readonly Scope[], form: TokenForm): readonly string[] {
  const allowed = new Set([...client.audiences, ...scopes.flatMap(({ audiences }) => audiences)]);
  const requested = requestedAudiences(form);
  const [target] = requested;
  if (target !== undefined && requested.length === 1 && client.targets.has(target)) return [target];
  if (requested.some((target) => !allowed.has(target))) {
    throw new OAuthError('invalid_target', 'the requested audience is not allowed for this client and scope');
  }
  if (requested.length > 0) return requested;
  if (allowed.size === 0) throw new OAuthError('invalid_target', 'no audience is configured for this client and scope');
  return [...allowed];
}

/**
 * A transaction token is for the trust domain, and says so because it was asked for.
 *
 * @throws OAuthError `invalid_target`
 */
export function transactionAudience({ trustDomain }: Realm, form: TokenForm): readonly string[] {
  const requested = requestedAudiences(form);
  if (requested.length === 1 && requested[0] === trustDomain) return requested;
  throw new OAuthError('invalid_target', 'the audience of a transaction token is the trust domain');
}

function requestedAudiences(form: TokenForm): readonly string[] {
  const resource = form.get('resource');
  if (resource !== undefined && !isResourceUri(resource)) {
    throw new OAuthError('invalid_target', 'resource must be an absolute URI without a fragment');
  }
  return [...new Set([form.get('audience'), resource].filter((target) => target !== undefined))];
}

function isResourceUri(text: string): boolean {
  return URL.canParse(text) && !text.includes('#');
}

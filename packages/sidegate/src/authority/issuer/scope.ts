/** Which scopes a token gets: what was asked for if the client may have it, else the client's defaults. */
import { OAuthError } from './oauth-error.ts';
import type { Client, Scope } from './realm.ts';

export interface GrantedScope {
  /** The `scope` of the answer and of the token. */
  readonly names: readonly string[];
  /** All scopes that shape the token, also those that are never named. */
  readonly scopes: readonly Scope[];
}

/**
 * A client that asks for less than its defaults gets less: a narrower token is the point of asking.
 *
 * @param requested the `scope` parameter (RFC 6749 section 3.3)
 * @throws OAuthError `invalid_scope`
 */
export function grantScope(client: Client, requested: string | undefined): GrantedScope {
  const silent = client.defaultScopes.filter(({ named }) => !named);
  const named =
    requested === undefined
      ? client.defaultScopes.filter(({ named }) => named)
      : [...new Set(requested.split(' '))].map((name) => grantable(client, name));
  return { names: named.map(({ name }) => name), scopes: [...silent, ...named] };
}

function grantable(client: Client, name: string): Scope {
  const scope = [...client.defaultScopes, ...client.optionalScopes].find((scope) => scope.named && scope.name === name);
  if (scope === undefined) throw new OAuthError('invalid_scope', 'a requested scope is not granted to this client');
  return scope;
}

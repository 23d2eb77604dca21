/** Which scopes a token gets: what was asked for if it may be had, else all that may be had without asking. */
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
 * @param inherited scopes of the token that this one is exchanged for, which it must not exceed; undefined: there is none
 * @throws OAuthError `invalid_scope`
 */
export function grantScope(
  client: Client,
  requested: string | undefined,
  inherited: ReadonlySet<string> | undefined,
): GrantedScope {
  const grantable = [...client.defaultScopes, ...client.optionalScopes].filter(({ named }) => named);
  const silent = client.defaultScopes.filter(({ named }) => !named);
  const named =
    requested === undefined
      ? // what somebody else was granted is a limit of its own: the client may pass on any of it
        (inherited === undefined ? client.defaultScopes.filter(({ named }) => named) : grantable).filter(mayHave)
      : [...new Set(requested.split(' '))].map(find);
  return { names: [...new Set(named.map(({ name }) => name))], scopes: [...silent, ...named] };

  function find(name: string): Scope {
    const scope = grantable.find((scope) => scope.name === name);
    if (scope === undefined) throw new OAuthError('invalid_scope', 'a requested scope is not granted to this client');
    if (mayHave(scope)) return scope;
    throw new OAuthError('invalid_scope', 'a requested scope is more than the subject token has');
  }

  function mayHave({ name }: Scope): boolean {
    return inherited === undefined || inherited.has(name);
  }
}

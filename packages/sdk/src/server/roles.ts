/** What a caller is: its verified claims → roles. Headers have no part in it. */
import { isJsonArray, isJsonObject, type JsonObject } from '../jwt/strict-json.ts';

/** Claims → roles; whoever has the role `system` is a service. */
export type RolesMapper = (claims: JsonObject, scopes: readonly string[]) => readonly string[];

/** The role of a service that calls for itself. */
export const SYSTEM_ROLE = 'system';

/**
 * Scopes that only services are given make a token `system`; every other one has the roles of `realm_access.roles`.
 *
 * @param systemScopes compared whole: `payment:charge-all` is not `payment:charge`
 * @example
 * ```ts
 * import { rolesByScope } from '@sidegate/sdk/server';
 *
 * const roles = rolesByScope(['payment:charge']);
 * roles({}, ['payment:charge']); // ['system']
 * ```
 */
export function rolesByScope(systemScopes: readonly string[]): RolesMapper {
  return (claims, scopes) =>
    scopes.some((scope) => systemScopes.includes(scope)) ? [SYSTEM_ROLE] : realmRoles(claims);
}

/** The names in `realm_access.roles`; anything else there is nobody's role. */
function realmRoles({ realm_access: access }: JsonObject): readonly string[] {
  const roles = access !== undefined && isJsonObject(access) ? access['roles'] : undefined;
  return roles !== undefined && isJsonArray(roles) ? roles.filter((role) => typeof role === 'string') : [];
}

/** Client scopes and audience mappers of a realm file. */
import type { FindingSink } from './finding.ts';
import type { KeycloakClientScope, KeycloakProtocolMapper, KeycloakRealm } from './keycloak-realm.ts';
import type { Scope } from './realm.ts';

/** RFC 6749 section 3.3. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

export function compileScopes(realm: KeycloakRealm, report: FindingSink): ReadonlyMap<string, Scope> {
  const scopes = new Map<string, Scope>();
  for (const [index, scope] of (realm.clientScopes ?? []).entries()) {
    const path = ['clientScopes', index];
    if (scopes.has(scope.name)) report([...path, 'name'], `"${scope.name}" is defined twice`);
    if (!SCOPE_TOKEN.test(scope.name))
      report([...path, 'name'], 'must be printable ASCII without space, quote or backslash');
    if (scope.name.includes('*')) report([...path, 'name'], 'grants what nobody has listed; name each scope');
    scopes.set(
      scope.name,
      compileScope(scope, realm, (at, ...what) => report([...path, ...at], ...what)),
    );
  }
  return scopes;
}

/** What the `oidc-audience-mapper`s among these mappers add; other mappers add nothing here. */
export function mappedAudiences(
  mappers: readonly KeycloakProtocolMapper[] | undefined,
  realm: KeycloakRealm,
  report: FindingSink,
): readonly string[] {
  return (mappers ?? []).flatMap((mapper, index) => {
    const path = ['protocolMappers', index];
    if (mapper.protocolMapper !== 'oidc-audience-mapper') return [];
    if (mapper.config?.['access.token.claim'] === 'false') return [];
    const client = mapper.config?.['included.client.audience'];
    const custom = mapper.config?.['included.custom.audience'];
    if (client && !realm.clients?.some(({ clientId }) => clientId === client)) {
      report([...path, 'config', 'included.client.audience'], `no client "${client}" in this realm`);
    }
    // Keycloak reads the custom audience only when no client is named
    const audience = client || custom;
    if (!audience) report([...path, 'config'], 'name included.client.audience or included.custom.audience');
    return audience ? [audience] : [];
  });
}

function compileScope(scope: KeycloakClientScope, realm: KeycloakRealm, report: FindingSink): Scope {
  return {
    name: scope.name,
    named: scope.attributes?.['include.in.token.scope'] !== 'false',
    audiences: mappedAudiences(scope.protocolMappers, realm, report),
  };
}

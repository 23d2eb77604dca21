/** Users and service accounts of a realm file, with their roles. */
import type { FindingSink } from './finding.ts';
import type { KeycloakRealm, KeycloakUser } from './keycloak-realm.ts';
import { federatedName, type Subject, type User } from './realm.ts';
import type { SecretDigest } from './secret-digest.ts';

export interface CompiledUsers {
  /** By user name. */
  readonly users: ReadonlyMap<string, User>;
  /** By client id; undefined where the account is disabled. */
  readonly serviceAccounts: ReadonlyMap<string, Subject | undefined>;
  readonly subjectIds: ReadonlySet<string>;
  readonly federatedUsers: ReadonlyMap<string, User>;
}

export function compileUsers(realm: KeycloakRealm, digest: SecretDigest, report: FindingSink): CompiledUsers {
  const users = new Map<string, User>();
  const serviceAccounts = new Map<string, Subject | undefined>();
  const federatedUsers = new Map<string, User>();
  const names = new Set<string>();
  const ids = new Set<string>();
  for (const [index, source] of (realm.users ?? []).entries()) {
    const at: FindingSink = (path, ...what) => report(['users', index, ...path], ...what);
    if (names.has(source.username)) at(['username'], `"${source.username}" is defined twice`);
    names.add(source.username);
    const subject = compileSubject(source, realm, at);
    if (ids.has(subject.id)) at(['id'], `"${subject.id}" belongs to another user already`);
    ids.add(subject.id);
    const enabled = source.enabled !== false;
    const clientId = source.serviceAccountClientId;
    if (clientId !== undefined) {
      if (!realm.clients?.some((client) => client.clientId === clientId)) {
        at(['serviceAccountClientId'], `no client "${clientId}" in this realm`);
      }
      serviceAccounts.set(clientId, enabled ? subject : undefined);
    } else if (enabled) {
      const password = source.credentials?.find(({ type }) => type === 'password')?.value;
      const user = { ...subject, passwordDigest: password ? digest(password) : undefined };
      users.set(source.username, user);
      addFederated(source, user, at);
    }
  }
  return { users, serviceAccounts, subjectIds: ids, federatedUsers };

  function addFederated({ federatedIdentities = [] }: KeycloakUser, user: User, at: FindingSink): void {
    for (const [index, { identityProvider, userId }] of federatedIdentities.entries()) {
      const name = federatedName(identityProvider, userId);
      const path = ['federatedIdentities', index];
      if (!realm.identityProviders?.some(({ alias }) => alias === identityProvider)) {
        at([...path, 'identityProvider'], `no identity provider "${identityProvider}" in this realm`);
      }
      if (federatedUsers.has(name)) at([...path, 'userId'], 'is another user already');
      federatedUsers.set(name, user);
    }
  }
}

function compileSubject(user: KeycloakUser, realm: KeycloakRealm, report: FindingSink): Subject {
  const realmRoles = user.realmRoles ?? [];
  const clientRoles = user.clientRoles ?? {};
  reportUnknown(realmRoles, realm.roles?.realm, ['realmRoles'], report);
  for (const [client, roles] of Object.entries(clientRoles)) {
    const defined = realm.roles?.client ?? {};
    const known = Object.hasOwn(defined, client) ? defined[client] : undefined;
    reportUnknown(roles, known, ['clientRoles', client], report);
  }
  return {
    id: user.id ?? user.username,
    username: user.username,
    email: user.email,
    name: [user.firstName, user.lastName].filter(Boolean).join(' ') || undefined,
    realmRoles,
    clientRoles,
  };
}

function reportUnknown(
  roles: readonly string[],
  known: readonly { readonly name: string }[] | undefined,
  path: readonly (string | number)[],
  report: FindingSink,
): void {
  for (const [index, role] of roles.entries()) {
    if (!known?.some(({ name }) => name === role))
      report([...path, index], `role "${role}" is not defined under roles`);
  }
}

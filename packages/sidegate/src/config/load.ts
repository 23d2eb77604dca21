/** The kinds of configuration files, and how each is loaded. */
import { type DocumentKind, type Loaded, type LoadOptions, loadDocument } from './load-document.ts';
import { type AuthorityConfig, authoritySchema } from './schema/authority.ts';
import { type ClusterConfig, clusterSchema } from './schema/cluster.ts';
import { type IdentityProviderConfig, identityProviderSchema } from './schema/identity-provider.ts';
import { type LabConfig, labSchema } from './schema/lab.ts';
import { type RealmConfig, realmSchema, realmWarnings } from './schema/realm.ts';
import { type RolesConfig, rolesSchema } from './schema/roles.ts';
import { type SidecarConfig, sidecarSchema } from './schema/sidecar.ts';
import { sidecarWarnings } from './schema/sidecar-warnings.ts';

/** One sidecar; every key can be overridden by `AUTHZ_…`. */
export function loadSidecarConfig(text: string, options: LoadOptions): Loaded<SidecarConfig> {
  return loadDocument(SIDECAR, text, options);
}

/** A whole system on one machine. */
export function loadLabConfig(text: string, options: LoadOptions): Loaded<LabConfig> {
  return loadDocument(LAB, text, options);
}

/** A whole system in a Kubernetes cluster. */
export function loadClusterConfig(text: string, options: LoadOptions): Loaded<ClusterConfig> {
  return loadDocument(CLUSTER, text, options);
}

/** The lab identity provider. */
export function loadIdentityProviderConfig(text: string, options: LoadOptions): Loaded<IdentityProviderConfig> {
  return loadDocument(IDENTITY_PROVIDER, text, options);
}

/** The signing side of a trust domain. */
export function loadAuthorityConfig(text: string, options: LoadOptions): Loaded<AuthorityConfig> {
  return loadDocument(AUTHORITY, text, options);
}

/** A Keycloak realm, as JSON. */
export function loadRealm(text: string, options: LoadOptions): Loaded<RealmConfig> {
  return loadDocument(REALM, text, options);
}

/** Roles and permissions of the engine `builtin`. */
export function loadRoles(text: string, options: LoadOptions): Loaded<RolesConfig> {
  return loadDocument(ROLES, text, options);
}

const SIDECAR: DocumentKind<SidecarConfig> = {
  schema: sidecarSchema,
  overridePrefix: 'AUTHZ_',
  variables: 'everywhere',
  secretLiterals: 'error',
  warnings: sidecarWarnings,
};

const LAB: DocumentKind<LabConfig> = {
  schema: labSchema,
  overridePrefix: undefined,
  variables: 'everywhere',
  secretLiterals: 'error',
};

const CLUSTER: DocumentKind<ClusterConfig> = {
  schema: clusterSchema,
  overridePrefix: undefined,
  variables: 'everywhere',
  secretLiterals: 'error',
};

const IDENTITY_PROVIDER: DocumentKind<IdentityProviderConfig> = {
  schema: identityProviderSchema,
  overridePrefix: undefined,
  variables: 'everywhere',
  secretLiterals: 'error',
};

const AUTHORITY: DocumentKind<AuthorityConfig> = {
  schema: authoritySchema,
  overridePrefix: undefined,
  variables: 'everywhere',
  secretLiterals: 'error',
};

// Keycloak's own `${role_…}` message keys stay as they are
const REALM: DocumentKind<RealmConfig> = {
  schema: realmSchema,
  overridePrefix: undefined,
  variables: 'secrets',
  secretLiterals: 'warning',
  warnings: realmWarnings,
};

const ROLES: DocumentKind<RolesConfig> = {
  schema: rolesSchema,
  overridePrefix: undefined,
  variables: 'secrets',
  secretLiterals: 'error',
};

/** The loader of each kind of file, by the name that the command line has for it. */
export const LOADERS = {
  sidecar: loadSidecarConfig,
  lab: loadLabConfig,
  cluster: loadClusterConfig,
  idp: loadIdentityProviderConfig,
  authority: loadAuthorityConfig,
  realm: loadRealm,
  roles: loadRoles,
} as const;

export type KindName = keyof typeof LOADERS;

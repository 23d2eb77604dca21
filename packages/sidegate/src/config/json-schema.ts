/** The published JSON Schema (2020-12) of each kind of file, from the same source as types and defaults. */
import type { z } from 'zod';
import type { KindName } from './load.ts';
import { authoritySchema } from './schema/authority.ts';
import { clusterSchema } from './schema/cluster.ts';
import { identityProviderSchema } from './schema/identity-provider.ts';
import { labSchema } from './schema/lab.ts';
import { realmSchema } from './schema/realm.ts';
import { rolesSchema } from './schema/roles.ts';
import { sidecarSchema } from './schema/sidecar.ts';
import { type Shape, shapeOf } from './shape.ts';

const PUBLISHED: Readonly<Record<KindName, { readonly title: string; readonly schema: z.ZodType }>> = {
  sidecar: { title: 'Sidegate sidecar', schema: sidecarSchema },
  lab: { title: 'Sidegate lab', schema: labSchema },
  cluster: { title: 'Sidegate services in a Kubernetes cluster', schema: clusterSchema },
  idp: { title: 'Sidegate lab identity provider', schema: identityProviderSchema },
  authority: { title: 'Sidegate authority', schema: authoritySchema },
  roles: { title: 'Roles and permissions for policy.engine builtin', schema: rolesSchema },
  realm: { title: 'Realm of the Sidegate lab identity provider', schema: realmSchema },
};

/** The JSON Schema that an editor checks a file of this kind with. */
export function jsonSchemaOf(kind: KindName): Shape & { readonly title: string } {
  const { title, schema } = PUBLISHED[kind];
  return { title, ...shapeOf(schema) };
}

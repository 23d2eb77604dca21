/** Which grants a realm offers; the token endpoint and the metadata read the same table. */
import type { Realm } from '../realm.ts';
import { clientCredentials } from './client-credentials.ts';
import type { Grant } from './grant.ts';
import { password } from './password.ts';

export function grantsOf(realm: Realm): ReadonlyMap<string, Grant> {
  return realm.lab ? LAB_GRANTS : GRANTS;
}

const GRANTS: ReadonlyMap<string, Grant> = new Map([['client_credentials', clientCredentials]]);
const LAB_GRANTS: ReadonlyMap<string, Grant> = new Map([...GRANTS, ['password', password]]);

/** Which grants a realm offers; the token endpoint and the metadata read the same table. */
import type { Client, Realm } from '../realm.ts';
import { clientCredentials } from './client-credentials.ts';
import type { Grant } from './grant.ts';
import { jwtBearer } from './jwt-bearer.ts';
import { password } from './password.ts';
import { tokenExchange } from './token-exchange.ts';

interface OfferedGrant {
  readonly name: string;
  readonly run: Grant;
  /** Where nobody may use it, it does not exist. */
  readonly offered: (realm: Realm) => boolean;
}

const GRANTS: readonly OfferedGrant[] = [
  { name: 'client_credentials', run: clientCredentials, offered: () => true },
  {
    name: 'urn:ietf:params:oauth:grant-type:token-exchange',
    run: tokenExchange,
    offered: (realm) => anyClient(realm, ({ tokenExchange, transactions }) => tokenExchange || transactions),
  },
  {
    name: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    run: jwtBearer,
    offered: (realm) => anyClient(realm, ({ jwtBearer }) => jwtBearer),
  },
  { name: 'password', run: password, offered: ({ lab }) => lab },
];

export function findGrant(realm: Realm, name: string): Grant | undefined {
  return GRANTS.find((grant) => grant.name === name && grant.offered(realm))?.run;
}

export function grantNames(realm: Realm): readonly string[] {
  return GRANTS.filter(({ offered }) => offered(realm)).map(({ name }) => name);
}

function anyClient({ clients }: Realm, may: (client: Client) => boolean): boolean {
  return clients.values().some(may);
}

/** What the inventory of an authority is taken from: its realms, its store, its configuration. */
import { randomBytes } from 'node:crypto';
import { liveCertificates } from '../authority/enrolment/certificates.ts';
import type { InventorySources } from '../authority/inventory.ts';
import type { KeycloakRealm } from '../authority/issuer/keycloak-realm.ts';
import { storedSecrets } from '../authority/store/client-secrets.ts';
import { storedTokens } from '../authority/store/issued-tokens.ts';
import type { OpenedStore } from './open-store.ts';

const MAX_TOKENS = 10_000;
/** Those that live less than a quarter of an hour are of no interest. */
const LONG_LIVED_TOKEN_MS = 900_000;

export async function inventorySources(
  { config, database, keys }: OpenedStore,
  realms: readonly KeycloakRealm[],
): Promise<InventorySources> {
  const clock = { now: () => Date.now() };
  return {
    realms,
    keys: keys.list(),
    clientSecrets: await storedSecrets({ database, clock, random: randomBytes }).list(),
    tokens: await storedTokens(database).livingBeyond(clock.now() + LONG_LIVED_TOKEN_MS, MAX_TOKENS),
    certificates: await liveCertificates(database, clock.now()),
    declared: config.inventory.secrets.map(({ name, kind, rotated }) => ({ name, kind, rotatedAt: rotated })),
  };
}

/** The store of an authority's configuration, opened and migrated. */
import { randomBytes } from 'node:crypto';
import { sealedKeys } from '../authority/keys/key-custody.ts';
import { type KeyStore, keyStore } from '../authority/keys/key-store.ts';
import { CannotOpen, readSealingKey, type Sealing, sealing } from '../authority/keys/sealing.ts';
import { type Database, StoreUnavailable } from '../authority/store/database.ts';
import { openPostgres } from '../authority/store/postgres.ts';
import { openSqlite } from '../authority/store/sqlite.ts';
import { loadAuthorityConfig } from '../config/load.ts';
import type { AuthorityConfig } from '../config/schema/authority.ts';
import { loadConfigFile } from './config-file.ts';
import { fromDiagnostic, StartRefused } from './start-finding.ts';

export interface OpenedStore {
  readonly config: AuthorityConfig;
  readonly database: Database;
  /** Opens and closes what the store keeps of secrets. */
  readonly sealing: Sealing;
  readonly keys: KeyStore;
}

/** What clocks of replicas, sidecars and clients may differ. */
const CLOCK_SKEW_MS = 5_000;

/**
 * For commands that work beside an authority, on what it keeps.
 *
 * @throws StartRefused
 */
export async function openConfiguredStore(file: string, root: string | undefined): Promise<OpenedStore> {
  const loaded = loadConfigFile(loadAuthorityConfig, file, { env: process.env, root });
  if (!loaded.ok) throw new StartRefused(loaded.diagnostics.map(fromDiagnostic));
  return openStore(loaded.config, file);
}

/**
 * @param file the configuration, which findings name
 * @throws StartRefused
 */
export async function openStore(config: AuthorityConfig, file: string): Promise<OpenedStore> {
  const database = await openDatabase(config.store).catch((error: unknown) => {
    if (!(error instanceof StoreUnavailable)) throw error;
    const hint = 'see store in the configuration';
    throw new StartRefused([{ file, severity: 'error', message: `store: ${error.message}`, hint }]);
  });
  const secrets = sealing(sealingKeys(config.signing), randomBytes);
  const keys = keyStore({
    database,
    custody: sealedKeys(secrets),
    clock: { now: () => Date.now() },
    keepVerifyingMs: config.token_lifetime + CLOCK_SKEW_MS,
  });
  await keys.refresh().catch(async (error: unknown) => {
    await database.close();
    if (!(error instanceof CannotOpen)) throw error;
    const hint = 'name the old key as signing.previous_encryption_key';
    throw new StartRefused([{ file, severity: 'error', message: `signing: ${error.message}`, hint }]);
  });
  return { config, database, sealing: secrets, keys };
}

function openDatabase(store: AuthorityConfig['store']): Promise<Database> {
  if (store.type === 'sqlite') return openSqlite(store.file ?? '');
  return openPostgres({
    url: store.url?.reveal() ?? '',
    maxConnections: store.max_connections,
    timeoutMs: store.timeout,
  });
}

/** The schema lets nothing else through. */
function sealingKeys({ encryption_key, previous_encryption_key }: AuthorityConfig['signing']): [Buffer, ...Buffer[]] {
  const [first, ...others] = [encryption_key, previous_encryption_key].flatMap((secret) =>
    secret === undefined ? [] : (readSealingKey(secret.reveal()) ?? []),
  );
  if (first === undefined) throw new Error('no sealing key');
  return [first, ...others];
}

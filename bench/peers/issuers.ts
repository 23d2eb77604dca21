/** Token services: ours with its store, and oidc-provider with what it keeps in memory. */
import { randomBytes } from 'node:crypto';
import { openSync } from 'node:fs';
import path from 'node:path';
import { openSqlite } from '../../packages/sidegate/src/authority/store/sqlite.ts';
import { PEER_CORE } from '../cores.ts';
import type { BenchFiles } from '../files.ts';
import { freePort, type Peer, startPeer } from '../peer.ts';

export type IssuerAlgorithm = 'RS256' | 'ES256';

export interface IssuerOptions {
  readonly algorithm: IssuerAlgorithm;
  /** In the realm, of whom one asks. Default: 1. */
  readonly clients?: number;
  /** Tokens that were taken back and have not expired. Default: none. */
  readonly revoked?: number;
  readonly profiles?: string | undefined;
}

export const CLIENT_FORM =
  'grant_type=client_credentials&client_id=order-service&client_secret=secret-of-the-benchmark&scope=data-service%3Aread';

const MAIN = path.join(import.meta.dirname, '../../packages/sidegate/dist/cli/main.js');
const OIDC_PROVIDER = path.join(import.meta.dirname, '../peers-node/oidc-provider.ts');

/** Where it issues tokens. */
export const AUTHORITY_PATH = '/realms/services/protocol/openid-connect/token';
export const OIDC_PROVIDER_PATH = '/token';

export async function startAuthorityPeer(
  files: BenchFiles,
  { algorithm, clients = 1, revoked = 0, profiles }: IssuerOptions,
): Promise<Peer> {
  const port = await freePort();
  const name = `authority-${algorithm}-${clients}-${revoked}`;
  files.write(`${name}/services.json`, JSON.stringify(realm(clients)));
  const config = files.write(
    `${name}/authority.yaml`,
    `addr: 127.0.0.1:${port}
base_url: http://127.0.0.1:${port}
realms: [services.json]
store: { file: authority.db }
signing: { algorithms: [${algorithm}], encryption_key: "\${SEALING_KEY}" }
`,
  );
  await revokeTokens(path.join(files.directory, name, 'authority.db'), revoked);
  const log = path.join(files.directory, `${name}.log`);
  return startPeer({
    name: 'sidegate',
    job: 'token by secret, written to SQLite before it is answered, audit',
    port,
    core: PEER_CORE,
    command: process.execPath,
    args: [
      ...(profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]),
      MAIN,
      'authority',
      '--config',
      config,
    ],
    env: { SEALING_KEY: randomBytes(32).toString('base64') },
    output: { file: log, descriptor: openSync(log, 'a') },
    patienceMs: 60_000,
  });
}

/** In the store that an authority will open, as if it had taken them back itself. */
async function revokeTokens(file: string, count: number): Promise<void> {
  const database = await openSqlite(file);
  const end = Math.floor(Date.now() / 1000) + 86_400;
  await database.query("INSERT INTO revocation_histories (realm, epoch, sequence) VALUES ('services', 'bench', $1)", [
    count,
  ]);
  await database.query(
    `WITH RECURSIVE counted (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM counted WHERE i < $1)
     INSERT INTO revocations (realm, kind, value, sequence, lifted, issued_until, ends_at)
     SELECT 'services', 'jti', hex(randomblob(16)), i, 0, NULL, $2 FROM counted WHERE i <= $1`,
    [count, end],
  );
  await database.close();
}

export async function startOidcProvider(files: BenchFiles, { algorithm }: IssuerOptions): Promise<Peer> {
  const port = await freePort();
  const key = files.write(
    `oidc-${algorithm}.pem`,
    files.keys[algorithm].privateKey.export({ type: 'pkcs8', format: 'pem' }),
  );
  return startPeer({
    name: 'oidc-provider',
    job: 'token by secret, kept in memory, no audit',
    port,
    core: PEER_CORE,
    command: process.execPath,
    args: [OIDC_PROVIDER, String(port), key, algorithm],
    env: { NODE_ENV: 'production' },
  });
}

function realm(clients: number): object {
  const asking = {
    clientId: 'order-service',
    serviceAccountsEnabled: true,
    secret: 'secret-of-the-benchmark',
    optionalClientScopes: ['data-service:read'],
  };
  const others = Array.from({ length: clients - 1 }, (_, index) => ({
    ...asking,
    clientId: `service-${index}`,
    secret: `secret-of-service-${index}`,
  }));
  const audience = {
    name: 'audience',
    protocolMapper: 'oidc-audience-mapper',
    config: { 'included.custom.audience': 'data-service' },
  };
  return {
    realm: 'services',
    clientScopes: [{ name: 'data-service:read', protocolMappers: [audience] }],
    clients: [asking, ...others],
  };
}

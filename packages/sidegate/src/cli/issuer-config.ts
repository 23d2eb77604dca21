/** What the configurations of `sidegate idp` and `sidegate authority` have in common → the issuer's plain options, or all findings. */
import type { KeycloakRealm } from '../authority/issuer/keycloak-realm.ts';
import type { Algorithms } from '../authority/issuer/signing-key.ts';
import type { IssuerOptions, IssuerTls } from '../authority/issuer/start.ts';
import { loadRealm } from '../config/load.ts';
import type { AuthorityConfig } from '../config/schema/authority.ts';
import type { IdentityProviderConfig } from '../config/schema/identity-provider.ts';
import type { RealmConfig } from '../config/schema/realm.ts';
import { loadCertificates, loadKeyPair } from '../identity/key-pair.ts';
import { take } from './assembly.ts';
import { type ConfigFileOptions, loadConfigFile } from './config-file.ts';
import { readKeptFile } from './kept-file.ts';
import { fromDiagnostic, type StartFinding, StartRefused } from './start-finding.ts';

type IssuerConfig = AuthorityConfig | IdentityProviderConfig;

export interface IssuerSetup {
  readonly options: Pick<
    IssuerOptions,
    'host' | 'port' | 'tls' | 'publicUrl' | 'realms' | 'tokenLifetimeSeconds' | 'algorithms' | 'administrators'
  >;
  /** In the order of `options.realms`. */
  readonly realmFiles: readonly string[];
  readonly warnings: readonly StartFinding[];
  /** By what clients prove themselves and their keys. */
  readonly proofs: ProofConfig;
}

export type ProofConfig = Pick<IssuerConfig, 'trust_domains' | 'dpop'>;

/**
 * @param warnings of the configuration itself
 * @throws StartRefused with the findings of all files
 */
export function readIssuer(
  config: IssuerConfig,
  warnings: readonly StartFinding[],
  paths: ConfigFileOptions,
): IssuerSetup {
  const findings = [...warnings];
  const realms = config.realms.flatMap((realmFile) => {
    const realm = loadConfigFile(loadRealm, realmFile, paths);
    findings.push(...(realm.ok ? realm.warnings : realm.diagnostics).map(fromDiagnostic));
    return realm.ok ? [{ file: realmFile, realm: realm.config }] : [];
  });
  const tls = readTls(config.tls, findings);
  if (findings.some(({ severity }) => severity === 'error')) throw new StartRefused(findings);

  return {
    options: {
      host: config.addr.host ?? '::',
      port: config.addr.port,
      ...(tls === undefined ? {} : { tls }),
      administrators: {
        clients: new Set(config.administrators.clients),
        spiffeIds: new Set(config.administrators.spiffe_ids),
      },
      publicUrl: config.base_url,
      realms: realms.map(({ realm }) => keycloakRealm(realm)),
      tokenLifetimeSeconds: Math.floor(config.token_lifetime / 1000),
      // the schema asks for at least one
      algorithms: [...new Set(config.signing.algorithms)] as readonly string[] as Algorithms,
    },
    realmFiles: realms.map(({ file }) => file),
    warnings: findings,
    proofs: config,
  };
}

function readTls(tls: IssuerConfig['tls'], findings: StartFinding[]): IssuerTls | undefined {
  if (tls === undefined) return undefined;
  const pair = take(loadKeyPair(tls.cert_file, tls.key_file, readKeptFile), { findings });
  const { client_ca_file: clientCaFile } = tls;
  const clientCa =
    clientCaFile === undefined ? undefined : take(loadCertificates(clientCaFile, readKeptFile), { findings });
  return pair && { ...pair, ...(clientCa === undefined ? {} : { clientCa }) };
}

/** From this machine. */

/** The one place where a realm's secrets are revealed. */
function keycloakRealm({ clients, users, ...realm }: RealmConfig): KeycloakRealm {
  return {
    ...realm,
    clients: clients.map(({ secret, ...client }) => ({ ...client, secret: secret?.reveal() })),
    users: users.map(({ credentials, ...user }) => ({
      ...user,
      credentials: credentials.map(({ type, value }) => ({ type, value: value?.reveal() })),
    })),
  };
}

/** What `sidegate up` does before anything runs: read, correct, check, and lay out the state directory. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '@sidegate/sdk';
import { PkiRefused } from '../authority/ca/finding.ts';
import { establishPki, type PkiEntry } from '../authority/ca/tree.ts';
import { lockTree } from '../authority/ca/tree-lock.ts';
import { loadLabConfig } from '../config/load.ts';
import type { LabConfig } from '../config/schema/lab.ts';
import { keepSecrets, type SecretValues } from '../lab/secrets.ts';
import type { AppliedPatch } from '../lab/seed-patches.ts';
import { CLIENT_AUTHORITIES, type Lab, type LabService } from '../lab/topology.ts';
import { pkiPlan } from './certs-plan.ts';
import { loadConfigFile } from './config-file.ts';
import { fromDiagnostic, StartRefused } from './start-finding.ts';
import { checkPolicies, checkRealms, checkSidecars } from './up-check.ts';
import { type CorrectedSource, correctSource, readSource } from './up-source.ts';

export interface PrepareOptions {
  /** Holds lab.yaml, and what it names. */
  readonly directory: string;
  /** Configurations and policies come from here instead, corrected where they need it. */
  readonly from?: string;
  /** State goes here instead of lab.yaml's root. */
  readonly state?: string;
  readonly clock: Clock;
}

/** Disposal lets another lab have the state directory. */
export interface Prepared extends Disposable {
  readonly lab: Lab;
  readonly secrets: SecretValues;
  readonly patches: readonly AppliedPatch[];
  readonly certificates: readonly PkiEntry[];
}

/** Below the root, as the configurations name it. */
const POLICIES = 'etc/authz/policies';

/** @throws StartRefused with every finding */
export async function prepareLab(options: PrepareOptions): Promise<Prepared> {
  const { directory, from, state, clock } = options;
  const config = readLab(directory);
  const root = path.resolve(state ?? config.root);
  const given = readSource(config, directory, from ?? directory);
  const lock = await lockState(root);
  const secrets = await labSecrets(config, path.join(root, 'secrets.json'));

  const realms = checkRealms(config, secrets);
  const source =
    from === undefined ? { ...given, patches: [] } : correctSource(given, config, userClients(realms.values));
  await writeSource(source, root);
  const sidecars = checkSidecars(source, config.services, { root, secrets });
  const findings = [...realms.findings, ...sidecars.findings, ...checkPolicies(source, path.join(root, POLICIES))];
  if (findings.length > 0) throw new StartRefused(findings);

  const certificates = await establishCertificates(config, root, clock);
  const withEgress = sidecars.values.flatMap(([name, { egress }]) => (egress.enabled ? [name] : []));
  return {
    lab: labOf(config, { directory, root, withEgress }),
    secrets,
    patches: source.patches,
    certificates,
    [Symbol.dispose]: () => lock[Symbol.dispose](),
  };
}

/** One lab at a time: two would write over each other's policies and logs. */
async function lockState(root: string): Promise<Disposable> {
  const lock = await lockTree(root, 1).catch((error: unknown) => {
    if (!(error instanceof PkiRefused)) throw error;
    const busy = error.findings.some(({ code }) => code === 'busy');
    const message = busy ? 'another lab is running here' : error.findings.map((finding) => finding.message).join('; ');
    throw new StartRefused([{ file: root, severity: 'error', message, hint: 'stop it, or choose another by --state' }]);
  });
  await chmod(root, 0o700);
  return lock;
}

function readLab(directory: string): LabConfig {
  const loaded = loadConfigFile(loadLabConfig, path.join(directory, 'lab.yaml'), { env: process.env });
  if (!loaded.ok) throw new StartRefused(loaded.diagnostics.map(fromDiagnostic));
  return loaded.config;
}

/** One value for every variable of the realms and of lab.yaml; a variable of our own environment wins. */
async function labSecrets(config: LabConfig, file: string): Promise<SecretValues> {
  const inRealms = config.identity_provider.realms
    .filter((realm) => existsSync(realm))
    .flatMap((realm) => [...readFileSync(realm, 'utf8').matchAll(/\$\{([A-Z_][A-Z0-9_]*)\}/g)])
    .map(([, name = '']) => name);
  const names = new Set([
    ...inRealms,
    ...config.services.flatMap(({ secrets }) => Object.keys(secrets)),
    ...config.users.map(passwordVariable),
  ]);
  const kept = await keepSecrets(file, names, () => randomBytes(24).toString('base64url')).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : 'cannot be used';
    throw new StartRefused([{ file, severity: 'error', message, hint: '' }]);
  });
  return Object.fromEntries([...names].map((name) => [name, process.env[name] ?? kept[name] ?? '']));
}

function passwordVariable({ username, password_env: configured }: LabConfig['users'][number]): string {
  return configured ?? `LAB_PASSWORD_${username.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
}

/** Clients that sign users in: those with the password grant. */
function userClients(realms: ReturnType<typeof checkRealms>['values']): string[] {
  return realms
    .flatMap(({ clients }) => clients)
    .filter(({ directAccessGrantsEnabled }) => directAccessGrantsEnabled)
    .map(({ clientId }) => clientId);
}

/** Laid out as the root directory that the configurations describe. */
async function writeSource({ configs, policies }: CorrectedSource, root: string): Promise<void> {
  const directory = path.join(root, POLICIES);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  for (const [name, { text }] of policies) await writeFile(path.join(directory, name), text);
  for (const [name, { text }] of configs) await writeFile(path.join(root, `etc/authz/${name}.yaml`), text);
}

async function establishCertificates(config: LabConfig, root: string, clock: Clock): Promise<readonly PkiEntry[]> {
  const directory = path.join(root, 'etc/certs');
  const entries = await establishPki(pkiPlan(config), directory, { clock }).catch((error: unknown) => {
    if (!(error instanceof PkiRefused)) throw error;
    const hint = 'see sidegate certs verify';
    throw new StartRefused(error.findings.map(({ file, message }) => ({ file, severity: 'error', message, hint })));
  });
  const zones = [...new Set(config.services.map(({ zone }) => zone))];
  const authorities = zones.map((zone) => readFileSync(path.join(directory, `ca/${zone}-ca.crt`), 'utf8'));
  const bundle = path.join(root, CLIENT_AUTHORITIES);
  await mkdir(path.dirname(bundle), { recursive: true });
  await writeFile(bundle, authorities.join(''));
  return entries;
}

interface Places {
  readonly directory: string;
  readonly root: string;
  readonly withEgress: readonly string[];
}

function labOf(config: LabConfig, { directory, root, withEgress }: Places): Lab {
  const { identity_provider, hosts, users } = config;
  const { host, realms } = identity_provider;
  return {
    directory: path.resolve(directory),
    root,
    identityProvider: { host, address: hosts[host] ?? '', realms },
    services: config.services.map(
      ({ name, directory: folder, zone, host: served, calls_zone: callsZone, app, secrets }): LabService => ({
        name,
        directory: folder,
        zone,
        host: served,
        address: hosts[served] ?? '',
        ...(callsZone === undefined ? {} : { callsZone }),
        hasEgress: withEgress.includes(name),
        ...(app === undefined ? {} : { app }),
        secrets,
      }),
    ),
    users: users.map((user) => ({ username: user.username, passwordVariable: passwordVariable(user) })),
  };
}

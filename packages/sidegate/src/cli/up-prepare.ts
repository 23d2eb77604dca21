/** What `sidegate up` does before anything runs: read, correct, check, and lay out the state directory. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '@sidegate/sdk';
import { parseDocument } from 'yaml';
import { PkiRefused } from '../authority/ca/finding.ts';
import { establishPki } from '../authority/ca/tree.ts';
import type { Diagnostic } from '../config/diagnostic.ts';
import { loadLabConfig, loadRealm, loadSidecarConfig } from '../config/load.ts';
import type { Loaded } from '../config/load-document.ts';
import type { LabConfig } from '../config/schema/lab.ts';
import { keepSecrets, type SecretValues } from '../lab/secrets.ts';
import { type AppliedPatch, applySeedPatches } from '../lab/seed-patches.ts';
import { CLIENT_AUTHORITIES, type Lab, type LabService } from '../lab/topology.ts';
import { pkiPlan } from './certs-plan.ts';
import { loadConfigFile } from './config-file.ts';
import { type StartFinding, StartRefused } from './start-finding.ts';

export interface PrepareOptions {
  /** Holds lab.yaml, and what it names. */
  readonly directory: string;
  /** Configurations and policies come from here instead, corrected where they need it. */
  readonly from?: string;
  /** State goes here instead of lab.yaml's root. */
  readonly state?: string;
  readonly clock: Clock;
}

export interface Prepared {
  readonly lab: Lab;
  readonly secrets: SecretValues;
  readonly patches: readonly AppliedPatch[];
}

/** @throws StartRefused with every finding */
export async function prepareLab(options: PrepareOptions): Promise<Prepared> {
  const config = accepted(
    loadConfigFile(loadLabConfig, path.join(options.directory, 'lab.yaml'), { env: process.env }),
  );
  const root = path.resolve(options.state ?? config.root);
  const source = options.from ?? options.directory;
  const texts = readSource(config, options.directory, source);

  await mkdir(path.join(root, 'etc/authz/policies'), { recursive: true, mode: 0o700 });
  const secrets = await labSecrets(config, path.join(root, 'secrets.json'));
  const clients = userClients(config, secrets);
  const patches = options.from === undefined ? [] : correct(texts, config, clients);
  const services = checkSidecars(texts, { config, root, secrets });
  await establishCertificates(config, root, options.clock);
  await writeTree(texts, config, root);

  const { identity_provider, trust_domain, organization, hosts } = config;
  const { host, realms } = identity_provider;
  const identityProvider = { host, address: hosts[host] ?? '', realms };
  const users = config.users.map(({ username, password_env }) => ({
    username,
    passwordVariable: passwordVariable(username, password_env),
  }));
  const directory = path.resolve(options.directory);
  const lab: Lab = { directory, root, organization, trustDomain: trust_domain, identityProvider, services, users };
  return { lab, secrets, patches };
}

interface SourceTexts {
  /** Service name → where its configuration came from, and what it says. */
  readonly configs: Map<string, { readonly file: string; text: string }>;
  readonly policies: Map<string, string>;
  /** Every file beside the configurations. */
  readonly files: ReadonlyMap<string, string>;
}

function readSource(config: LabConfig, directory: string, source: string): SourceTexts {
  const findings: StartFinding[] = [];
  const read = (file: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
      findings.push({ file, severity: 'error', message: `cannot be read (${reason})`, hint: 'lab.yaml names it' });
      return '';
    }
  };
  const configs = new Map(
    config.services.map((service) => {
      const file = path.join(source, path.relative(directory, service.config));
      return [service.name, { file, text: read(file) }];
    }),
  );
  const policyDirectory = path.join(source, 'policies');
  const policies = new Map(
    listFiles(policyDirectory, findings)
      .filter((name) => name.endsWith('.rego'))
      .map((name) => [name, read(path.join(policyDirectory, name))]),
  );
  const files = new Map(listFiles(source, findings).map((name) => [name, read(path.join(source, name))]));
  if (findings.length > 0) throw new StartRefused(findings);
  return { configs, policies, files };
}

function listFiles(directory: string, findings: StartFinding[]): string[] {
  if (!existsSync(directory)) {
    findings.push({ file: directory, severity: 'error', message: 'there is no such directory', hint: '' });
    return [];
  }
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []));
}

/** One value for every variable of the realms and of lab.yaml; a variable of our own environment wins. */
async function labSecrets(config: LabConfig, file: string): Promise<SecretValues> {
  const inRealms = config.identity_provider.realms
    .filter((realm) => existsSync(realm))
    .flatMap((realm) =>
      [...readFileSync(realm, 'utf8').matchAll(/\$\{([A-Z_][A-Z0-9_]*)\}/g)].map(([, name = '']) => name),
    );
  const names = new Set([
    ...inRealms,
    ...config.services.flatMap(({ secrets }) => Object.keys(secrets)),
    ...config.users.map(({ username, password_env }) => passwordVariable(username, password_env)),
  ]);
  const kept = await keepSecrets(file, names, () => randomBytes(24).toString('base64url'));
  return Object.fromEntries([...names].map((name) => [name, process.env[name] ?? kept[name] ?? '']));
}

function passwordVariable(username: string, configured: string | undefined): string {
  return configured ?? `LAB_PASSWORD_${username.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
}

/** Clients that sign users in: those with the password grant. */
function userClients(config: LabConfig, secrets: SecretValues): string[] {
  return config.identity_provider.realms.flatMap((file) =>
    accepted(loadConfigFile(loadRealm, file, { env: { ...process.env, ...secrets } }))
      .clients.filter(({ directAccessGrantsEnabled }) => directAccessGrantsEnabled)
      .map(({ clientId }) => clientId),
  );
}

function correct(texts: SourceTexts, config: LabConfig, clients: readonly string[]): readonly AppliedPatch[] {
  const documents = new Map([...texts.configs].map(([name, { text }]) => [name, parseDocument(text)]));
  const broken = [...documents].filter(([, document]) => document.errors.length > 0);
  // What is not YAML is left alone: checking it says where and why.
  if (broken.length > 0) return [];
  const patches = applySeedPatches({
    configs: documents,
    policies: texts.policies,
    files: texts.files,
    services: config.services.map(({ name, zone, calls_zone, config: file }) => ({
      name,
      zone,
      config: path.basename(file),
      ...(calls_zone === undefined ? {} : { callsZone: calls_zone }),
    })),
    trustDomain: config.trust_domain,
    userClients: clients,
  });
  for (const [name, document] of documents) {
    const config = texts.configs.get(name);
    if (config !== undefined) config.text = String(document);
  }
  return patches;
}

interface CheckOptions {
  readonly config: LabConfig;
  readonly root: string;
  readonly secrets: SecretValues;
}

/** Every configuration as its sidecar will read it, so that all findings come at once and before anything starts. */
function checkSidecars(texts: SourceTexts, { config, root, secrets }: CheckOptions): LabService[] {
  const findings: StartFinding[] = [];
  const services = config.services.map((service): LabService => {
    const { file, text } = texts.configs.get(service.name) ?? { file: '', text: '' };
    const loaded = loadSidecarConfig(text, {
      file,
      env: Object.fromEntries(Object.keys(service.secrets).map((variable) => [variable, secrets[variable]])),
      readFile: (name) => readFileSync(name, 'utf8'),
      resolvePath: (name) => path.join(root, name),
    });
    if (!loaded.ok) findings.push(...loaded.diagnostics.map(startFinding));
    const { name, directory, zone, host, calls_zone: callsZone, app } = service;
    return {
      name,
      directory,
      config: service.config,
      zone,
      host,
      address: config.hosts[host] ?? '',
      ...(callsZone === undefined ? {} : { callsZone }),
      hasEgress: loaded.ok && loaded.config.egress.enabled,
      ...(app === undefined ? {} : { app }),
      secrets: service.secrets,
    };
  });
  if (findings.length > 0) throw new StartRefused(findings);
  return services;
}

async function establishCertificates(config: LabConfig, root: string, clock: Clock): Promise<void> {
  try {
    await establishPki(pkiPlan(config), path.join(root, 'etc/certs'), { clock });
  } catch (error) {
    if (!(error instanceof PkiRefused)) throw error;
    throw new StartRefused(
      error.findings.map(({ file, message }) => ({
        file,
        severity: 'error',
        message,
        hint: 'see sidegate certs verify',
      })),
    );
  }
}

/** Laid out as the root directory that the configurations describe. */
async function writeTree(texts: SourceTexts, config: LabConfig, root: string): Promise<void> {
  const policies = path.join(root, 'etc/authz/policies');
  await rm(policies, { recursive: true });
  await mkdir(policies);
  for (const [name, text] of texts.policies) await writeFile(path.join(policies, name), text);
  for (const [name, { text }] of texts.configs) await writeFile(path.join(root, `etc/authz/${name}.yaml`), text);

  const zones = [...new Set(config.services.map(({ zone }) => zone))];
  const authorities = zones.map((zone) => readFileSync(path.join(root, `etc/certs/ca/${zone}-ca.crt`), 'utf8'));
  await mkdir(path.join(root, 'etc/idp'), { recursive: true });
  await writeFile(path.join(root, CLIENT_AUTHORITIES), authorities.join(''));
  await chmod(root, 0o700);
}

function accepted<T>(loaded: Loaded<T>): T {
  if (!loaded.ok) throw new StartRefused(loaded.diagnostics.map(startFinding));
  return loaded.config;
}

function startFinding({ path: key, message, ...rest }: Diagnostic): StartFinding {
  return { ...rest, message: key === '' ? message : `${key}: ${message}` };
}

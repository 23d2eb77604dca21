/** `sidegate generate kubernetes`, `istio` and `external-secrets`: what a cluster is told of the services of a `cluster.yaml`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { stringify } from 'yaml';
import type { Cluster, KubernetesObject } from '../kubernetes/cluster.ts';
import { externalSecrets } from '../kubernetes/external-secrets.ts';
import { authorizationPolicies, peerAuthentications } from '../kubernetes/istio.ts';
import { workloadOf } from '../kubernetes/workload.ts';
import { EXIT } from './exit-code.ts';
import { readCluster } from './read-cluster.ts';
import { CONFIG_FILE, CONFIG_FOLDER } from './sidecar-text.ts';
import { renderFinding, reportRefusal, type StartFinding, StartRefused } from './start-finding.ts';

interface Options {
  readonly out: string;
  readonly json?: boolean;
  readonly revision?: string;
  /** Of what the command is about. */
  readonly apiVersion: 'v1beta1' | 'v1';
}

/** File name → objects. */
type Files = readonly (readonly [name: string, objects: readonly KubernetesObject[]])[];

export function generateKubernetesCommand(): Command {
  return command(
    'kubernetes',
    'Deployments of services with their sidecars, and all that these need (docs/kubernetes.md).',
    (cluster, { revision, apiVersion: version }) => {
      const options = { cluster, revision, configFolder: CONFIG_FOLDER, configFile: CONFIG_FILE };
      const secrets = externalSecrets(cluster, version, revision);
      return [
        ...cluster.services.map((service) => [`${service.name}.yaml`, workloadOf(service, options)] as const),
        ['external-secrets.yaml', secrets],
      ];
    },
  )
    .addOption(revision())
    .addOption(apiVersion('of external-secrets.io'));
}

export function generateIstioCommand(): Command {
  return command(
    'istio',
    "Istio's PeerAuthentication and AuthorizationPolicies, from who may call in the sidecars (docs/meshes.md).",
    (cluster, { apiVersion: version }) => [
      ['peer-authentication.yaml', peerAuthentications(cluster, version)],
      ['authorization-policies.yaml', authorizationPolicies(cluster, version)],
    ],
  ).addOption(apiVersion('of security.istio.io'));
}

export function generateExternalSecretsCommand(): Command {
  return command(
    'external-secrets',
    'An ExternalSecret of each service: where its secrets are, never what they are (docs/kubernetes.md).',
    (cluster, { apiVersion: version, revision }) => [
      ['external-secrets.yaml', externalSecrets(cluster, version, revision)],
    ],
  )
    .addOption(revision())
    .addOption(apiVersion('of external-secrets.io'));
}

/** Both are served by releases of today; `v1beta1` also by older ones. */
function apiVersion(whose: string): Option {
  return new Option('--api-version <version>', whose).choices(['v1beta1', 'v1']).default('v1beta1');
}

function revision(): Option {
  return new Option(
    '--revision <text>',
    'of this deployment, such as the commit: a new one has secrets read from their store again',
  ).argParser((text) => {
    if (/^[A-Za-z0-9][A-Za-z0-9._:/+-]{0,127}$/.test(text)) return text;
    throw new InvalidArgumentError('Letters, digits and . _ : / + - were expected.');
  });
}

const HELP = `Writes its files over what is there under these names, as kubectl apply takes them.
Exit codes: 0 written, 64 wrong command line, 78 cluster.yaml or a sidecar configuration refused (all findings printed).`;

type FilesOf = (cluster: Cluster, options: Options) => Files;

function command(name: string, description: string, filesOf: FilesOf): Command {
  return new Command(name)
    .description(description)
    .argument('<cluster>', 'cluster.yaml, or its folder')
    .option('--out <dir>', 'folder that the files are written to', '.')
    .option('--json', 'what was written, or why not, as one JSON line on standard output')
    .addHelpText('after', `\n${HELP}`)
    .action((place: string, options: Options) => {
      process.exitCode = generate(place, options, filesOf);
    });
}

const NOTHING = {
  message: 'has nothing to write',
  hint: 'external-secrets needs secret_store, and secrets of a service',
};

function generate(place: string, options: Options, filesOf: FilesOf): number {
  const { out, json = false } = options;
  try {
    const { cluster, warnings } = readCluster(place);
    const wanted = filesOf(cluster, options).filter(([, objects]) => objects.length > 0);
    if (wanted.length === 0) throw new StartRefused([{ file: place, severity: 'error', ...NOTHING }]);
    mkdirSync(out, { recursive: true });
    const files = wanted.map(([name, objects]) => write(path.join(out, name), objects));
    report(files, warnings, json);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    return reportRefusal(error, json);
  }
}

/** API servers read YAML 1.1, where `on` and `no` are no text. */
const STYLE = { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false } as const;

function write(file: string, objects: readonly KubernetesObject[]): string {
  const documents = objects.map((each) => stringify(each, STYLE));
  writeFileSync(file, documents.join('---\n'));
  return file;
}

function report(files: readonly string[], warnings: readonly StartFinding[], json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ ok: true, files, findings: warnings })}\n`);
    return;
  }
  process.stdout.write(`${files.join('\n')}\n`);
  for (const warning of warnings) process.stderr.write(`${renderFinding(warning)}\n`);
}

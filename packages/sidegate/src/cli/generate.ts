/** `sidegate generate`: files of other programs, made from the topology. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseSpiffeId, SpiffeIdError } from '@sidegate/sdk';
import { Command, InvalidArgumentError } from 'commander';
import { loadLabConfig } from '../config/load.ts';
import { loadConfigFile } from './config-file.ts';
import { EXIT } from './exit-code.ts';
import { generateClientCommand } from './generate-client.ts';
import {
  generateExternalSecretsCommand,
  generateIstioCommand,
  generateKubernetesCommand,
} from './generate-manifests.ts';
import { type SpireService, type SpireTopology, spireFiles } from './spire-files.ts';
import { fromDiagnostic, reportRefusal, StartRefused } from './start-finding.ts';

interface SpireOptions extends Omit<SpireTopology, 'services' | 'trustDomain'> {
  readonly trustDomain?: string;
  readonly service: readonly string[];
  readonly out: string;
  readonly json?: boolean;
}

/** The `generate` command. */
export function generateCommand(): Command {
  const generate = new Command('generate').description('Write files of other programs, made from the topology.');
  generate
    .command('spire [lab]')
    .description(
      "SPIRE's agent configuration, and the script that registers the services of a lab.yaml (docs/spiffe.md).",
    )
    .option('--trust-domain <name>', 'default: that of lab.yaml', readTrustDomain)
    .option('--namespace <name>', 'Kubernetes namespace of the services', readLabel, 'production')
    .option('--cluster <name>', 'cluster, as the node attestor knows it', readLabel, 'production-cluster')
    .option('--node <name>', 'node whose agent attests them', readLabel, 'node1')
    .option('--server-address <host>', 'of the SPIRE server', readLabel, 'spire-server.spire.svc.cluster.local')
    .option('--server-port <port>', 'its port', readNumber(1, 65_535), 8081)
    .option('--ttl-seconds <n>', 'life of an X.509-SVID', readNumber(60, 86_400), 3600)
    .option('--service <name...>', 'services, in place of those of a lab.yaml', readServices, [])
    .option('--out <dir>', 'folder that the files are written to', '.')
    .option('--json', 'what was written, or why not, as one JSON line on standard output')
    .addHelpText('after', `\n${HELP}`)
    .action((lab: string | undefined, options: SpireOptions) => {
      process.exitCode = generateSpire(lab, options);
    });
  return generate
    .addCommand(generateClientCommand())
    .addCommand(generateKubernetesCommand())
    .addCommand(generateIstioCommand())
    .addCommand(generateExternalSecretsCommand());
}

const HELP = `Writes spire-agent.conf and register-entries.sh, over what is there under these names.
Exit codes: 0 written, 64 wrong command line, 78 lab.yaml refused (all findings printed), or neither it nor services given.`;

function generateSpire(lab: string | undefined, { out, service, json = false, ...options }: SpireOptions): number {
  try {
    const topology = topologyOf(lab, service, options.trustDomain);
    mkdirSync(out, { recursive: true });
    const files = Array.from(spireFiles({ ...options, ...topology }), ([name, content]) => {
      const file = path.join(out, name);
      writeFileSync(file, content, { mode: name.endsWith('.sh') ? 0o755 : 0o644 });
      return file;
    });
    process.stdout.write(json ? `${JSON.stringify({ ok: true, files })}\n` : `${files.join('\n')}\n`);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    return reportRefusal(error, json);
  }
}

/** @throws StartRefused */
function topologyOf(
  lab: string | undefined,
  names: readonly string[],
  trustDomain: string | undefined,
): { readonly trustDomain: string; readonly services: readonly SpireService[] } {
  if (lab === undefined) {
    if (names.length > 0 && trustDomain !== undefined)
      return { trustDomain, services: names.map((name) => ({ name })) };
    const hint = 'give a lab.yaml, or --trust-domain and --service';
    throw new StartRefused([{ file: 'generate spire', severity: 'error', message: 'there is no topology', hint }]);
  }
  const isFolder = statSync(lab, { throwIfNoEntry: false })?.isDirectory() === true;
  const loaded = loadConfigFile(loadLabConfig, isFolder ? path.join(lab, 'lab.yaml') : lab, { env: process.env });
  if (!loaded.ok) throw new StartRefused(loaded.diagnostics.map(fromDiagnostic));
  const { trust_domain: own, services } = loaded.config;
  const chosen = services.filter(({ name }) => names.length === 0 || names.includes(name));
  return { trustDomain: trustDomain ?? own, services: chosen.map(({ name, host }) => ({ name, host })) };
}

function readTrustDomain(text: string): string {
  try {
    if (parseSpiffeId(`spiffe://${text}`).path === '') return text;
  } catch (error) {
    if (!(error instanceof SpiffeIdError)) throw error;
  }
  throw new InvalidArgumentError('Lower-case letters, digits, dots and hyphens were expected.');
}

/** What becomes a word of a script and a segment of an ID must need no quotes in either. */
function readLabel(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError('A name of Kubernetes was expected: lower-case letters, digits, dots and hyphens.');
}

function readServices(text: string, before: readonly string[]): readonly string[] {
  return [...before, readLabel(text)];
}

function readNumber(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`A number from ${least} to ${most} was expected.`);
  };
}

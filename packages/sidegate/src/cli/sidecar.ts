/** `sidegate sidecar`: one configuration file → an ingress and an egress listener, until SIGTERM. */
import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns';
import type { AddressInfo } from 'node:net';
import { Command, InvalidArgumentError } from 'commander';
import { destination } from 'pino';
import { loadSidecarConfig } from '../config/load.ts';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import type { ConnectTo } from '../net/connector.ts';
import type { AuditSink } from '../proxy/audit-sink.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createRandomHex } from '../telemetry/random-hex.ts';
import type { AssemblyPorts } from './assembly.ts';
import { type BundlesInUse, createBundlesInUse } from './bundles-in-use.ts';
import { chosenConfigFile, loadConfigFile } from './config-file.ts';
import { parseConnectTo } from './connect-to.ts';
import { keepEnrolled } from './enrolled.ts';
import { EXIT } from './exit-code.ts';
import { readKeptFile } from './kept-file.ts';
import { inPieces, LineWriter } from './line-writer.ts';
import { keepReloading, type Read, ReadRefused } from './reloading.ts';
import { fromDiagnostic, reportRefusal, type StartFinding, StartRefused } from './start-finding.ts';
import { startSidecar } from './start-sidecar.ts';
import { stopSignal } from './stop-signal.ts';
import { gatherSnapshots } from './worker-snapshots.ts';
import { announce, isWorker, runWorkers, tellServing, undividedPieces } from './workers.ts';

interface SidecarOptions {
  readonly config?: string;
  readonly root?: string;
  readonly connectTo: ConnectTo;
  readonly workers: number;
  readonly json?: boolean;
}

const DEFAULT_CONFIG_FILE = '/etc/authz/config.yaml';
const GRACE_MS = 10_000;
const MAX_WORKERS = 64;

export function sidecarCommand(): Command {
  return new Command('sidecar')
    .description('Run the ingress and egress proxy of one service.')
    .option('--config <file>', `configuration; else SIDEGATE_CONFIG, AUTHZ_CONFIG_PATH, ${DEFAULT_CONFIG_FILE}`)
    .option('--root <dir>', 'prefix of every absolute path in the configuration, like chroot')
    .option('--connect-to <host:port=address:port>', 'dial another address for a host', parseConnectTo, new Map())
    .option('--workers <n>', 'processes that share the work, at most 64', parseWorkers, 1)
    .option('--json', 'findings of a refused start as one JSON line on standard output')
    .addHelpText('after', `\n${HELP}`)
    .action(async (options: SidecarOptions) => {
      process.exitCode = await runSidecar(options);
      // The channel to the first process would keep a worker alive.
      if (isWorker) process.exit();
    });
}

const HELP = `Standard output carries JSON lines: {"event":"listening"}, {"event":"ready"}, then one audit record an exchange.
Logs go to standard error. Changed files are taken over while it runs, on SIGHUP at once; what is wrong with them is logged
and changes nothing. SIGTERM and SIGINT stop accepting, finish what is under way and exit 0.
Exit codes: 0 stopped, 64 wrong command line, 78 configuration, certificate, key or policy refused (all findings printed).`;

async function runSidecar(options: SidecarOptions): Promise<number> {
  try {
    const stopped = stopSignal();
    // Its reader may go away: what it misses of the records is refused or counted, and events are for nobody else.
    process.stdout.on('error', () => undefined);
    // One process keeps the identity that all of them read.
    const inUse = createBundlesInUse();
    await using _enrolled = isWorker ? undefined : await enrolled(options, inUse);
    if (options.workers > 1 && !isWorker) return await runWorkers(options.workers, stopped, inUse);
    // Until it can read its files anew: it would end the process.
    process.on('SIGHUP', () => undefined);
    const identity = createIdentityChanges();
    const first = read(options, identity.told);
    const running = await startSidecar(first.config, standardOutput(), first.ports);
    const serving = (): void => {
      const sequence = running.bundleSequence();
      if (isWorker) tellServing(sequence);
      else inUse.serving(process.pid, sequence);
    };
    const { name: service } = first.config.service;
    const { ingress, egress, admin, grpc } = running;
    const listening = { ingress: shown(ingress), egress: shown(egress), admin: shown(admin), grpc: shown(grpc) };
    announce({ event: 'listening', service, ...listening });
    serving();
    void running.ready.then(() => announce({ event: 'ready', service }));
    {
      const { logger } = first.ports;
      await using reloading = await keepReloading({
        running,
        first,
        read: () => read(options, identity.told),
        onReloaded: serving,
        logger,
      });
      identity.follow(reloading.reload);
      await stopped;
    }
    await running.close(GRACE_MS);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    return reportRefusal(error, options.json === true);
  }
}

function enrolled(options: SidecarOptions, inUse: BundlesInUse): Promise<AsyncDisposable | undefined> {
  const files = new Set<string>();
  const config = readConfig(options, [], files);
  return keepEnrolled(config, portsOf(config, options, { findings: [], files }), inUse);
}

/** Changes before anybody follows them are not lost. */
function createIdentityChanges() {
  let missed = false;
  let follower = (): void => {
    missed = true;
  };
  return {
    told: (): void => follower(),
    follow: (reload: () => void): void => {
      follower = reload;
      if (missed) reload();
    },
  };
}

function read(options: SidecarOptions, identityChanged: () => void): Read {
  const files = new Set<string>();
  const readAt = Date.now();
  try {
    const findings: StartFinding[] = [];
    const config = readConfig(options, findings, files);
    for (const file of policyFiles(config)) files.add(file);
    return { config, ports: { ...portsOf(config, options, { findings, files }), identityChanged }, files, readAt };
  } catch (error) {
    if (error instanceof StartRefused) throw new ReadRefused(error.findings, files);
    throw error;
  }
}

/** A bundle that is fetched is kept in its file by ourselves. */
function policyFiles({ policy }: SidecarConfig): string[] {
  if (!policy.hot_reload) return [];
  const own = policy.bundle?.enabled === true ? [] : [policy.path, policy.data_path];
  return [...own, policy.fallback?.path, policy.fallback?.data_path].filter((file) => file !== undefined);
}

function portsOf(
  config: SidecarConfig,
  { connectTo }: SidecarOptions,
  { findings, files }: { readonly findings: StartFinding[]; readonly files: Set<string> },
): AssemblyPorts {
  return {
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    random: () => Math.random(),
    schedule: (delayMs, task) => {
      const timer = setTimeout(task, delayMs).unref();
      return () => clearTimeout(timer);
    },
    randomHex: createRandomHex(randomBytes),
    connectTo,
    lookup,
    readFile: (file) => {
      files.add(file);
      return readKeptFile(file);
    },
    logger: createLogger(config.service.name, destination({ dest: 2, sync: true }), config.observability.logging),
    gather: isWorker ? gatherSnapshots : undefined,
    findings,
  };
}

function readConfig({ config, root }: SidecarOptions, findings: StartFinding[], files: Set<string>): SidecarConfig {
  const file = chosenConfigFile(config, process.env) ?? DEFAULT_CONFIG_FILE;
  const loaded = loadConfigFile(loadSidecarConfig, file, {
    env: process.env,
    root,
    onRead: (read) => files.add(read),
  });
  if (!loaded.ok) throw new StartRefused(loaded.diagnostics.map(fromDiagnostic));
  findings.push(...loaded.warnings.map(fromDiagnostic));
  return loaded.config;
}

function parseWorkers(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MAX_WORKERS) return count;
  throw new InvalidArgumentError(`A number from 1 to ${MAX_WORKERS} was expected.`);
}

function shown(address: AddressInfo | undefined): string | undefined {
  if (address === undefined) return undefined;
  return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}

/** Not `process.stdout`, which takes what nobody may ever read. */
function standardOutput(): AuditSink {
  const { write } = new LineWriter(process.stdout.fd);
  return isWorker ? inPieces(write, undividedPieces) : write;
}

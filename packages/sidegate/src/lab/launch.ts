/** Starts the identity provider, the sidecars and their apps side by side, and waits until all of them serve. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@sidegate/sdk';
import type { ConnectTo } from '../net/connector.ts';
import { type AuditFeed, createAuditFeed } from './audit-feed.ts';
import type { LabEvent } from './event.ts';
import {
  appPlan,
  assignPorts,
  identityProviderConfig,
  identityProviderPlan,
  type PlanOptions,
  sidecarPlan,
} from './launch-plan.ts';
import type { RandomInt } from './ports.ts';
import { type LabProcess, startProcess } from './process.ts';
import type { TokenLogLine } from './running-lab.ts';
import { IDENTITY_PROVIDER_CONFIG } from './topology.ts';

export interface LaunchOptions extends PlanOptions {
  readonly clock: Clock;
  /** On the same clock: when the command began. */
  readonly beganAtMs: number;
  readonly randomInt: RandomInt;
  readonly emit: (event: LabEvent) => void;
}

export interface LaunchedLab {
  readonly feed: AuditFeed;
  readonly tokenLog: readonly TokenLogLine[];
  readonly connectTo: ConnectTo;
  /** Service name → its egress listener. */
  readonly egress: ReadonlyMap<string, string>;
  /** The first process that ended by itself. */
  readonly firstEnd: Promise<LabProcess>;
  /** From now on only the log files keep what the processes say, so that a lab can stay up for long. */
  forget(): void;
  stop(): Promise<void>;
}

export interface StartFailure {
  readonly message: string;
  /** Its exit code; undefined while it still ran, or when a signal ended it. */
  readonly code: number | undefined;
  readonly lastWords: string;
}

/** Not every process came to serve; all of them are stopped again. */
export class LaunchFailed extends Error {
  override readonly name = 'LaunchFailed';
  readonly failures: readonly StartFailure[];

  constructor(failures: readonly StartFailure[]) {
    super(failures.map(({ message }) => message).join('; '));
    this.failures = failures;
  }
}

/** Some eight times what it takes where nothing else runs. */
const START_TIMEOUT_MS = 60_000;
const GRACE_MS = 3_000;

/** @throws LaunchFailed, AddressUnavailable */
export async function launchLab(options: LaunchOptions): Promise<LaunchedLab> {
  const { lab } = options;
  const ports = await assignPorts(lab, options.randomInt);
  await writeFile(join(lab.root, IDENTITY_PROVIDER_CONFIG), identityProviderConfig(lab, ports));
  const feed = createAuditFeed();
  const tokenLog: TokenLogLine[] = [];

  const provider = startProcess(identityProviderPlan(options));
  let listening = true;
  provider.onLine((line) => {
    if (listening && line['event'] === 'token') tokenLog.push(line);
  });
  const sidecars = lab.services.map((service) => {
    const sidecar = startProcess(sidecarPlan(options, ports, service));
    sidecar.onLine((line) => {
      if (listening) feed.add(line);
    });
    return sidecar;
  });
  const apps = lab.services.flatMap((service) => appPlan(options, ports, service)).map(startProcess);

  const all = [provider, ...sidecars, ...apps];
  const stop = async (): Promise<void> => {
    await Promise.all(all.map((process) => process.stop(GRACE_MS)));
  };
  const serving = (process: LabProcess, event: string): Promise<void> => announce(process, event, options);
  const starts = [
    serving(provider, 'listening'),
    ...sidecars.map((sidecar) => serving(sidecar, 'ready')),
    ...apps.map((app) => serving(app, 'listening')),
  ];
  const results = await Promise.allSettled(starts);
  const failures = results.flatMap((result, index) => {
    const process = all[index];
    return result.status === 'fulfilled' || process === undefined ? [] : [startFailure(process, result.reason)];
  });
  if (failures.length > 0) {
    const failed = await Promise.all(failures);
    await stop();
    throw new LaunchFailed(failed);
  }
  const firstEnd = Promise.race(all.map((process) => process.ended.then(() => process)));
  const forget = (): void => {
    listening = false;
  };
  return { feed, tokenLog, connectTo: ports.connectTo, egress: ports.egress, firstEnd, forget, stop };
}

async function announce(process: LabProcess, event: string, options: LaunchOptions): Promise<void> {
  const line = await process.event(event, START_TIMEOUT_MS);
  const listening = await process.event('listening', START_TIMEOUT_MS);
  const addresses = ['ingress', 'egress', 'app', 'address', 'url']
    .map((key) => listening[key] ?? line[key])
    .filter((address) => typeof address === 'string');
  const after_ms = Math.round(options.clock.monotonic() - options.beganAtMs);
  options.emit({ event: 'process', name: process.name, pid: process.pid, addresses, after_ms });
}

/** Not ready in time, or ended: then with its exit code, and whatever it said last. */
async function startFailure(process: LabProcess, reason: unknown): Promise<StartFailure> {
  const end = await Promise.race([process.ended, new Promise<undefined>((later) => setTimeout(later, 0, undefined))]);
  const message = reason instanceof Error ? reason.message : String(reason);
  return { message, code: end?.code ?? undefined, lastWords: process.lastWords() };
}

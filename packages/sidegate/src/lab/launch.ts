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
  stop(): Promise<void>;
}

/** Processes that ended instead of serving, with what they said last. */
export class LaunchFailed extends Error {
  override readonly name = 'LaunchFailed';
  readonly ends: readonly { readonly name: string; readonly code: number | null; readonly lastWords: string }[];

  constructor(ends: LaunchFailed['ends']) {
    super(ends.map(({ name, code, lastWords }) => `${name} ended with ${code}\n${lastWords}`).join('\n'));
    this.ends = ends;
  }
}

const START_TIMEOUT_MS = 20_000;
const GRACE_MS = 3_000;

/** @throws LaunchFailed after everything that did start was stopped again */
export async function launchLab(options: LaunchOptions): Promise<LaunchedLab> {
  const { lab } = options;
  const ports = await assignPorts(lab, options.randomInt);
  await writeFile(join(lab.root, IDENTITY_PROVIDER_CONFIG), identityProviderConfig(lab, ports));
  const feed = createAuditFeed();
  const tokenLog: TokenLogLine[] = [];

  const provider = startProcess(identityProviderPlan(options));
  provider.onLine((line) => {
    if (line['event'] === 'token') tokenLog.push(line);
  });
  const sidecars = lab.services.map((service) => {
    const sidecar = startProcess(sidecarPlan(options, ports, service));
    sidecar.onLine((line) => feed.add(line));
    return sidecar;
  });
  const apps = lab.services.flatMap((service) => appPlan(options, ports, service)).map(startProcess);

  const all = [provider, ...sidecars, ...apps];
  const stop = async (): Promise<void> => {
    await Promise.all(all.map((process) => process.stop(GRACE_MS)));
  };
  const serving = (process: LabProcess, event: string): Promise<void> => announce(process, event, options);
  const results = await Promise.allSettled([
    serving(provider, 'listening'),
    ...apps.map((app) => serving(app, 'listening')),
    ...sidecars.map((sidecar) => serving(sidecar, 'ready')),
  ]);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    const ended = await Promise.all(all.map(alreadyEnded));
    await stop();
    const ends = ended.filter((end) => end !== undefined);
    throw ends.length > 0 ? new LaunchFailed(ends) : failed.reason;
  }
  const firstEnd = Promise.race(all.map((process) => process.ended.then(() => process)));
  return { feed, tokenLog, connectTo: ports.connectTo, egress: ports.egress, firstEnd, stop };
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

async function alreadyEnded(process: LabProcess): Promise<LaunchFailed['ends'][number] | undefined> {
  const end = await Promise.race([process.ended, new Promise<undefined>((later) => setTimeout(later, 200, undefined))]);
  return end && { name: process.name, code: end.code, lastWords: process.lastWords() };
}

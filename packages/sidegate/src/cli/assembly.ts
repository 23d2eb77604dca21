/** What assembling a sidecar needs besides its configuration, and the list on which every finding ends. */
import type { LookupFunction } from 'node:net';
import type { Clock, Random, Schedule } from '@sidegate/sdk';
import type { Snapshot, TakeSnapshots } from '../admin/snapshot.ts';
import type { FileFinding, Loaded, ReadFile } from '../identity/key-pair.ts';
import type { ConnectTo } from '../net/connector.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { RandomHex } from '../telemetry/trace-context.ts';
import type { WorkloadIdentity } from './assemble-identity.ts';
import type { Components } from './components.ts';
import type { StartFinding } from './start-finding.ts';

/** What a program gives to each configuration that it loads. */
export interface AssemblyPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly schedule: Schedule;
  readonly randomHex: RandomHex;
  readonly connectTo: ConnectTo;
  readonly lookup: LookupFunction;
  readonly readFile: ReadFile;
  readonly logger: Logger;
  /** With several workers: how one of them learns what all of them know. */
  readonly gather?: ((own: () => Snapshot) => TakeSnapshots) | undefined;
  /** Findings are collected, not thrown, so that one start reports all of them. */
  readonly findings: StartFinding[];
  /** Told when the identity that it shows was replaced by its source: it must be assembled anew. */
  readonly identityChanged?: (() => void) | undefined;
}

export interface Assembly extends AssemblyPorts {
  readonly components: Components;
  /** Of the Workload API; undefined: nothing takes its identity from there, or there is none, after its finding was noted. */
  readonly identity: WorkloadIdentity | undefined;
}

/** The value, or undefined after its findings were noted. */
export function take<T>(loaded: Loaded<T>, { findings }: Pick<Assembly, 'findings'>): T | undefined {
  if (loaded.ok) return loaded.value;
  findings.push(...loaded.findings.map(asError));
  return undefined;
}

export function asError(finding: FileFinding): StartFinding {
  return { ...finding, severity: 'error' };
}

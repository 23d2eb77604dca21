/** What `sidegate up` tells while it works: one event a line with `--json`, prose without. */
import type { AppliedPatch } from './seed-patches.ts';

export type LabEvent =
  | ({ readonly event: 'patch' } & AppliedPatch)
  | StateEvent
  | ProcessEvent
  | HopEvent
  | CheckEvent
  | AttackEvent
  | SummaryEvent;

/** Where everything is kept, and what was made there. */
export interface StateEvent {
  readonly event: 'state';
  readonly root: string;
  /** `created`, `renewed`, `kept` → how many; only what there is. */
  readonly certificates: Readonly<Record<string, number>>;
}

/** A process is up; `pid` so that whoever watches can see that none is left behind. */
export interface ProcessEvent {
  readonly event: 'process';
  readonly name: string;
  readonly pid: number;
  readonly addresses: readonly string[];
  /** Since the command began. */
  readonly after_ms: number;
}

/** One line of a sidecar's audit trail, as far as it concerns the way of one request. */
export interface HopEvent {
  readonly event: 'hop';
  /** What the user or attacker set out to do. */
  readonly request: string;
  readonly service: string;
  readonly direction: 'ingress' | 'egress';
  readonly decision: 'allow' | 'deny';
  readonly status?: number;
  readonly code?: string;
  readonly method?: string;
  readonly path?: string;
  /** Where it went on to. */
  readonly downstream?: string;
  readonly upstream_path?: string;
  /** Who called, by certificate. */
  readonly caller?: string;
  /** For whom. */
  readonly user?: string;
  /** Never the token itself. */
  readonly token?: TokenSummary;
  /** Which rule decided, file:line. */
  readonly rule?: string;
  readonly reasons: readonly string[];
  readonly duration_ms: number;
  readonly correlation_id: string;
}

export interface TokenSummary {
  readonly issuer?: string;
  readonly audience?: readonly string[];
  readonly client_id?: string;
  readonly scope?: string;
  readonly kid?: string;
}

/** One expectation of the walk-through. */
export interface CheckEvent {
  readonly event: 'check';
  /** The checklist's number. */
  readonly id: string;
  /** Of the thirteen steps; absent for what is beside them. */
  readonly step?: number;
  readonly what: string;
  readonly expected: string;
  readonly observed: string;
  readonly ok: boolean;
}

/** One wrong call, or the right one beside it; a refusal has a status or ends in the handshake. */
export interface AttackEvent {
  readonly event: 'attack';
  readonly ids: readonly string[];
  readonly what: string;
  /** The service that had to decide. */
  readonly at: string;
  readonly expected: string;
  readonly observed: string;
  /** From the audit line of the service that decided. */
  readonly reason: string;
  readonly ok: boolean;
}

export interface SummaryEvent {
  readonly event: 'summary';
  readonly ok: boolean;
  readonly checks: number;
  readonly attacks: number;
  readonly failed: readonly string[];
  /** From the start of the command to the answer of the first order; absent when there was none. */
  readonly cold_start_ms?: number;
}

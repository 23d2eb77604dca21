/** What one process of a sidecar knows of itself, and what several of them know together. */
import type { MetricReading } from '../telemetry/metrics.ts';
import type { Readiness, Unready } from './health.ts';

/** Data only: it travels between processes. */
export interface Snapshot {
  readonly readiness: Readiness;
  readonly metrics: readonly MetricReading[];
}

export interface WorkerSnapshot {
  /** Undefined: there is one process only. */
  readonly worker: number | undefined;
  /** Undefined: it did not answer. */
  readonly snapshot: Snapshot | undefined;
}

/** Asks all processes of this sidecar, this one included. */
export type TakeSnapshots = () => readonly WorkerSnapshot[] | Promise<readonly WorkerSnapshot[]>;

/** Ready is who is ready in all its processes: whoever asks is answered by any of them. */
export function jointReadiness(snapshots: readonly WorkerSnapshot[]): Readiness {
  const reasons = new Map<string, Unready>();
  for (const { worker, snapshot } of snapshots) {
    const silent: Unready = { code: 'worker_silent', detail: `worker ${worker} does not answer` };
    for (const reason of snapshot?.readiness.reasons ?? [silent]) reasons.set(JSON.stringify(reason), reason);
  }
  return { status: reasons.size === 0 ? 'ready' : 'not_ready', reasons: [...reasons.values()] };
}

/** Each process counts for itself, so that one that is replaced takes nothing from the counts of the others. */
export function jointMetrics(snapshots: readonly WorkerSnapshot[]): readonly MetricReading[] {
  const joint = new Map<string, MetricReading>();
  for (const { worker, snapshot } of snapshots) {
    for (const reading of snapshot?.metrics ?? []) {
      const own = worker === undefined ? reading : labelled(reading, String(worker));
      const known = joint.get(own.name);
      joint.set(own.name, known === undefined ? own : { ...own, samples: [...known.samples, ...own.samples] });
    }
  }
  return [...joint.values()];
}

function labelled(reading: MetricReading, worker: string): MetricReading {
  return {
    ...reading,
    labels: [...reading.labels, 'worker'],
    samples: reading.samples.map(({ labels, value }) => ({ labels: [...labels, worker], value })),
  };
}

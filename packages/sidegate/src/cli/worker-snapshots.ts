/**
 * What all workers know, for the one that was asked: it asks the first process, which asks every worker. One that says nothing within a
 * second is missing from the answer.
 */
import cluster, { type Worker } from 'node:cluster';
import type { Snapshot, TakeSnapshots, WorkerSnapshot } from '../admin/snapshot.ts';

type Message =
  /** A worker to the first process, which asks all of them. */
  | { readonly snapshots: 'wanted'; readonly id: number }
  | { readonly snapshots: 'asked'; readonly id: number }
  | { readonly snapshots: 'given'; readonly id: number; readonly snapshot: Snapshot }
  | { readonly snapshots: 'gathered'; readonly id: number; readonly gathered: readonly WorkerSnapshot[] };

interface Gathering {
  readonly asking: Worker;
  /** As the one that asks calls it. */
  readonly id: number;
  readonly answers: Map<number, Snapshot | undefined>;
  readonly timer: NodeJS.Timeout;
}

const PATIENCE_MS = 1_000;

/** For the first process: what it does for each worker that it starts. */
export function createSnapshotRelay(): (worker: Worker) => void {
  const gatherings = new Map<number, Gathering>();
  let next = 0;

  const finish = (key: number): void => {
    const gathering = gatherings.get(key);
    if (gathering === undefined) return;
    gatherings.delete(key);
    clearTimeout(gathering.timer);
    const gathered = Array.from(gathering.answers, ([worker, snapshot]) => ({ worker, snapshot }));
    send(gathering.asking, { snapshots: 'gathered', id: gathering.id, gathered });
  };

  const begin = (asking: Worker, id: number): void => {
    next += 1;
    const key = next;
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    gatherings.set(key, {
      asking,
      id,
      answers: new Map(workers.map((worker) => [worker.id, undefined])),
      timer: setTimeout(finish, PATIENCE_MS, key),
    });
    for (const worker of workers) send(worker, { snapshots: 'asked', id: key });
  };

  const take = (worker: number, key: number, snapshot: Snapshot): void => {
    const answers = gatherings.get(key)?.answers;
    answers?.set(worker, snapshot);
    if (answers !== undefined && [...answers.values()].every((answer) => answer !== undefined)) finish(key);
  };

  return (worker) => {
    worker.on('message', (message: Partial<Message>) => {
      if (!isMessage(message)) return;
      if (message.snapshots === 'wanted') begin(worker, message.id);
      else if (message.snapshots === 'given') take(worker.id, message.id, message.snapshot);
    });
  };
}

/** For a worker. */
export function gatherSnapshots(own: () => Snapshot): TakeSnapshots {
  const waiting = new Map<number, (gathered: readonly WorkerSnapshot[]) => void>();
  let next = 0;
  process.on('message', (message: Partial<Message>) => {
    if (!isMessage(message)) return;
    if (message.snapshots === 'asked') {
      process.send?.({ snapshots: 'given', id: message.id, snapshot: own() } satisfies Message);
    } else if (message.snapshots === 'gathered') {
      waiting.get(message.id)?.(message.gathered);
      waiting.delete(message.id);
    }
  });
  return () => {
    next += 1;
    const id = next;
    const { promise, resolve } = Promise.withResolvers<readonly WorkerSnapshot[]>();
    waiting.set(id, resolve);
    process.send?.({ snapshots: 'wanted', id } satisfies Message);
    return promise;
  };
}

function isMessage(message: Partial<Message>): message is Message {
  return typeof message === 'object' && 'snapshots' in message;
}

/** To one that has just ended, there is nothing to say. */
function send(worker: Worker, message: Message): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}

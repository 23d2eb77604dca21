/**
 * Several processes behind the same addresses. The first process accepts and hands connections out one after another, so that each
 * worker gets as many as the others however few there are, and none is lost with a worker that ends: decision 0010.
 */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { BundlesInUse } from './bundles-in-use.ts';
import { EXIT } from './exit-code.ts';
import { printEvent } from './print-event.ts';
import { createSnapshotRelay } from './worker-snapshots.ts';

/** What a worker tells the first process, and what that prints once for all of them. */
export type WorkerEvent =
  | { readonly event: 'listening'; readonly [detail: string]: unknown }
  | { readonly event: 'ready'; readonly [detail: string]: unknown }
  | { readonly event: 'reloaded'; readonly [detail: string]: unknown };

/** What a worker tells the first process alone: the trust bundle that it serves with from now on. */
interface Serving {
  readonly event: 'serving';
  readonly bundleSequence: number | undefined;
}

export const isWorker: boolean = cluster.isWorker;

/** For a worker. */
export function tellServing(bundleSequence: number | undefined): void {
  process.send?.({ event: 'serving', bundleSequence } satisfies Serving);
}

/** A worker that ends is replaced after that long: at once would turn a fault at the start into a load. */
const RESPAWN_MS = 200;

/** For a worker. */
export function announce(event: WorkerEvent): void {
  if (isWorker) process.send?.(event);
  else printEvent(event);
}

function processIds(): (number | undefined)[] {
  return Object.values(cluster.workers ?? {}).map((worker) => worker?.process.pid);
}

/** What one write puts into a pipe as a whole, beside the writes of others: PIPE_BUF of Linux. */
const PIPE_BYTES = 4096;

/** Whole lines, as many as pass a pipe undivided; a longer line stands alone. A character is a byte. */
export function* undividedPieces(lines: string): Generator<string> {
  for (let start = 0; start < lines.length; ) {
    const last =
      lines.length - start <= PIPE_BYTES ? lines.length : lines.lastIndexOf('\n', start + PIPE_BYTES - 1) + 1;
    const end = last > start ? last : lines.indexOf('\n', start) + 1 || lines.length;
    yield lines.slice(start, end);
    start = end;
  }
}

/**
 * Runs this command `count` times; each is another process with the same command line.
 *
 * @param stopped resolves when they are to end
 * @param inUse told what they serve with
 * @returns the exit code: that of the first worker when it refused to start
 */
export async function runWorkers(count: number, stopped: Promise<void>, inUse: BundlesInUse): Promise<number> {
  cluster.schedulingPolicy = cluster.SCHED_RR;
  /** How many have not said it yet. */
  const silent = { listening: count, ready: count };
  const relaySnapshots = createSnapshotRelay();
  let stopping = false;

  const start = (): Worker => {
    const worker = cluster.fork();
    relaySnapshots(worker);
    inUse.started(worker.id);
    worker.once('exit', () => inUse.ended(worker.id));
    worker.on('message', (message: Partial<WorkerEvent> | Serving) => {
      if (message.event === undefined) return;
      if (message.event === 'serving') {
        inUse.serving(worker.id, message.bundleSequence);
        return;
      }
      if (message.event === 'reloaded') {
        printEvent({ ...message, pid: worker.process.pid });
        return;
      }
      silent[message.event] -= 1;
      if (silent[message.event] === 0) printEvent({ ...message, workers: processIds() });
      else if (silent[message.event] < 0) printEvent({ event: `worker_${message.event}`, pid: worker.process.pid });
    });
    return worker;
  };
  const keep = async (worker: Worker): Promise<void> => {
    for (let current = worker; ; current = start()) {
      const [code, signal] = (await once(current, 'exit')) as [number | null, string | null];
      if (stopping) return;
      printEvent({ event: 'worker_ended', pid: current.process.pid, code, signal }, 'error');
      await pause(RESPAWN_MS);
      if (stopping) return;
    }
  };

  // Alone at first: what is wrong with the configuration is said once.
  const first = start();
  const ended = once(first, 'exit') as Promise<[number | null]>;
  const refusal = await Promise.race([once(first, 'message').then(() => undefined), ended]);
  if (refusal !== undefined) return refusal[0] ?? EXIT.internal;
  const workers = [first, ...Array.from({ length: count - 1 }, start)].map(keep);
  const tell = (signal: 'SIGTERM' | 'SIGHUP'): void => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(signal);
  };
  process.on('SIGHUP', () => tell('SIGHUP'));
  await stopped;
  stopping = true;
  tell('SIGTERM');
  await Promise.all(workers);
  return EXIT.ok;
}

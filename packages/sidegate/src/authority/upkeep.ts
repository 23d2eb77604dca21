/** What an authority does again and again beside its answers: keys that are due, rows that have expired. */
import type { Schedule } from '@sidegate/sdk';

export interface Chore {
  /** Of the log: `keys`, `replays`. */
  readonly name: string;
  /** From the end of one run to the start of the next. */
  readonly everyMs: number;
  readonly run: () => Promise<void>;
}

export interface UpkeepEvent {
  readonly event: 'upkeep';
  readonly chore: string;
  readonly outcome: 'failed' | 'recovered';
  readonly reason?: string;
}

export interface Upkeep {
  /** Names of the chores whose last run failed. */
  failing(): readonly string[];
  /** Waits for what is under way; nothing runs after it. */
  close(): Promise<void>;
}

/** Every chore goes on after a failure, which is told once until it works again. */
export function startUpkeep(chores: readonly Chore[], schedule: Schedule, log: (event: UpkeepEvent) => void): Upkeep {
  const failing = new Set<string>();
  const ends = chores.map((chore) => repeat(chore, { schedule, log, failing }));
  return {
    failing: () => [...failing],
    close: async () => void (await Promise.all(ends.map((end) => end()))),
  };
}

interface Shared {
  readonly schedule: Schedule;
  readonly log: (event: UpkeepEvent) => void;
  readonly failing: Set<string>;
}

function repeat({ name, everyMs, run }: Chore, { schedule, log, failing }: Shared): () => Promise<void> {
  let running = Promise.resolve();
  let closed = false;
  let cancel = schedule(everyMs, start);

  function start(): void {
    running = run()
      .then(
        () => {
          if (failing.delete(name)) log({ event: 'upkeep', chore: name, outcome: 'recovered' });
        },
        (error: unknown) => {
          const reason = error instanceof Error ? error.message : String(error);
          if (!failing.has(name)) log({ event: 'upkeep', chore: name, outcome: 'failed', reason });
          failing.add(name);
        },
      )
      .then(() => {
        if (!closed) cancel = schedule(everyMs, start);
      });
  }

  return async () => {
    closed = true;
    cancel();
    await running;
  };
}

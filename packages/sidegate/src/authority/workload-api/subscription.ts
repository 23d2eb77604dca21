/** A stream that is answered at once, again when something changes, and again when it says so itself. Calls never overlap. */
import type { Clock, Schedule } from '@sidegate/sdk';
import { asRefusal, type Refusal } from './refusal.ts';

export interface SubscriptionOptions {
  /** Sends one answer. Resolves with the time, in milliseconds since the epoch, when the next is due at the latest. */
  readonly answer: () => Promise<number | undefined>;
  /** Told once; nothing is sent after it. */
  readonly onRefused: (refusal: Refusal) => void;
  /** Told of answers that failed while an earlier one still holds. */
  readonly onRetry: (refusal: Refusal) => void;
  /** What may change under it. Each returns what ends it. */
  readonly changes: readonly ((told: () => void) => () => void)[];
  readonly clock: Clock;
  readonly schedule: Schedule;
}

const RETRY_MS = 1_000;
/** An answer that is due at once would be an endless loop. */
const MIN_PAUSE_MS = 100;

/** @returns what ends it */
export function subscription(options: SubscriptionOptions): () => void {
  const { answer, onRefused, onRetry, changes, clock, schedule } = options;
  let [running, again, closed, answered] = [false, false, false, false];
  let cancel = (): void => {};
  const leave = changes.map((subscribe) => subscribe(() => void run()));
  const end = (): void => {
    closed = true;
    cancel();
    for (const each of leave) each();
  };

  const run = async (): Promise<void> => {
    again = running;
    if (running || closed) return;
    running = true;
    cancel();
    const pauseMs = await attempt();
    running = false;
    if (closed) return;
    if (again) void run();
    else if (pauseMs !== undefined) cancel = schedule(Math.max(MIN_PAUSE_MS, pauseMs), () => void run());
  };

  const attempt = async (): Promise<number | undefined> => {
    try {
      const due = await answer();
      answered = true;
      return due === undefined ? undefined : due - clock.now();
    } catch (error) {
      const refusal = asRefusal(error);
      // Whoever is no longer entitled is told; whom we merely fail keeps what it has.
      if (refusal.status === 'UNAVAILABLE' && answered) {
        onRetry(refusal);
        return RETRY_MS;
      }
      if (!closed) onRefused(refusal);
      end();
      return undefined;
    }
  };

  void run();
  return end;
}

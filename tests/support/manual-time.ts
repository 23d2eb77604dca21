/** Time that passes only when a test says so: a clock, and a schedule whose tasks run when they are due. */

export interface ManualTime {
  readonly clock: { now(): number; monotonic(): number };
  readonly schedule: (delayMs: number, task: () => void) => () => void;
  /** Lets both clocks run; due tasks start in order, what they do asynchronously is not awaited. */
  advance(ms: number): void;
  /** Moves the wall clock alone, as an administrator or NTP would. */
  stepWallClock(ms: number): void;
  /** Delays of the tasks that are waiting, the earliest first. */
  pending(): readonly number[];
}

export function manualTime(startMs: number = 1_790_000_000_000): ManualTime {
  let wall = startMs;
  let monotonic = 1_000;
  const tasks = new Map<object, { readonly at: number; readonly task: () => void }>();
  const inOrder = () => [...tasks].sort(([, a], [, b]) => a.at - b.at);
  return {
    clock: { now: () => wall, monotonic: () => monotonic },
    schedule(delayMs, task) {
      const handle = {};
      tasks.set(handle, { at: monotonic + delayMs, task });
      return () => void tasks.delete(handle);
    },
    advance(ms) {
      const end = monotonic + ms;
      for (let next = inOrder()[0]; next !== undefined && next[1].at <= end; next = inOrder()[0]) {
        const [handle, { at, task }] = next;
        wall += at - monotonic;
        monotonic = at;
        tasks.delete(handle);
        task();
      }
      wall += end - monotonic;
      monotonic = end;
    },
    stepWallClock(ms) {
      wall += ms;
    },
    pending: () => inOrder().map(([, { at }]) => at - monotonic),
  };
}

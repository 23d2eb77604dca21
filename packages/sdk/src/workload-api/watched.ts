/** The latest good answer of a stream that is opened again, with growing pauses, whenever it ends. */
import type { Clock, Random, Schedule } from '../ports.ts';

/** One running stream: told of each message, and once of its end. */
export interface StreamHandlers {
  readonly onMessage: (bytes: Uint8Array) => void;
  readonly onEnd: (failure: StreamFailure) => void;
}

export interface StreamFailure {
  /** For people. */
  readonly reason: string;
  /** Asking again would bring the same answer: `InvalidArgument` (SPIFFE Workload API section 6.2). */
  readonly final: boolean;
}

/** @returns what cancels it; throws when it cannot even be tried */
export type OpenStream = (handlers: StreamHandlers) => () => void;

export interface WatchedOptions<T> {
  readonly open: OpenStream;
  /** @throws Error on an answer that must not be used */
  readonly read: (bytes: Uint8Array, now: number) => T;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly random: Random;
}

/** What a Workload API told last. */
export interface Watched<T> {
  /** Stays when the stream breaks or brings something wrong; undefined until something good came. */
  current(): T | undefined;
  /** Resolves with the first good answer; rejects when {@link close} comes before it. */
  first(): Promise<T>;
  /** Why the latest attempt or answer was no good; undefined after a good one. */
  failure(): string | undefined;
  /** Told of every good answer to come, and of every failure. Returns what ends it. */
  subscribe(told: () => void): () => void;
  close(): void;
}

/** A fresh agent is there within a second; one that stays away is spared. */
const BACKOFF = { firstMs: 250, maxMs: 30_000 };

export function watched<T>({ open, read, clock, schedule, random }: WatchedOptions<T>): Watched<T> {
  const listeners = new Set<() => void>();
  const waiting = Promise.withResolvers<T>();
  // Nobody may be waiting when it is closed.
  waiting.promise.catch(() => undefined);
  let current: T | undefined;
  let failure: string | undefined = 'nothing was answered yet';
  let failures = 0;
  let closed = false;
  let cancel = (): void => {};

  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const onMessage = (bytes: Uint8Array): void => {
    if (closed) return;
    try {
      current = read(bytes, clock.now());
      failure = undefined;
      failures = 0;
      waiting.resolve(current);
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    tell();
  };
  const onEnd = ({ reason, final }: StreamFailure): void => {
    if (closed) return;
    failure = reason;
    failures += 1;
    const delayMs = Math.min(BACKOFF.maxMs, BACKOFF.firstMs * 2 ** (failures - 1)) * (0.5 + random());
    if (!final) cancel = schedule(delayMs, start);
    tell();
  };
  const start = (): void => {
    try {
      cancel = open({ onMessage, onEnd });
    } catch (error) {
      onEnd({ reason: error instanceof Error ? error.message : String(error), final: false });
    }
  };
  start();
  return {
    current: () => current,
    first: () => waiting.promise,
    failure: () => failure,
    subscribe(told) {
      listeners.add(told);
      return () => void listeners.delete(told);
    },
    close() {
      if (closed) return;
      closed = true;
      cancel();
      listeners.clear();
      waiting.reject(new Error('the Workload API client was closed'));
    },
  };
}

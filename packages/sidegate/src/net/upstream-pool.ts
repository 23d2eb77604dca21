/**
 * Connections to one upstream under one client identity: reused last in, first out; bounded, like the number of those who wait
 * for one; nobody waits in line for an idle one.
 */
import { Problem } from '@sidegate/sdk';
import type { Cancellation } from './cancellation.ts';
import type { OpenedSocket } from './connector.ts';
import { type ConnectionOptions, UpstreamConnection } from './upstream-connection.ts';

export interface PoolOptions extends Omit<ConnectionOptions, 'onClosed' | 'onFree' | 'time'> {
  readonly monotonic: () => number;
  readonly maxConnections: number;
  /** Who comes when so many wait for a connection is refused. */
  readonly maxWaiting: number;
  readonly maxIdle: number;
  readonly connect: () => Promise<OpenedSocket>;
}

export interface UpstreamPool {
  /**
   * A connection that is free now, else a new one, else the next that becomes free.
   *
   * @param fresh never one that was used before
   * @param cancellation of who asks, looked at when there is no room for another one who waits
   * @returns a promise that rejects with the socket's error when connecting fails, or with Problem `upstream_overloaded`
   */
  acquire(
    fresh: boolean,
    cancellation: Pick<Cancellation, 'cancelled'>,
  ): UpstreamConnection | Promise<UpstreamConnection>;
  /** Milliseconds on its monotonic clock. */
  now(): number;
  /** Gives back a connection that was not used. */
  release(connection: UpstreamConnection): void;
  /** Ends what is idle now, and what is under way when it is over; who still comes gets a connection for once. */
  close(): void;
}

interface Waiter {
  readonly cancellation: Pick<Cancellation, 'cancelled'>;
  /** On the monotonic clock. */
  readonly since: number;
  readonly resolve: (connection: UpstreamConnection) => void;
  readonly reject: (error: unknown) => void;
}

/** An eighth of the timeout, so that nobody waits much longer than that. */
const LOOKS = 8;
const MAX_INTERVAL_MS = 1_000;
const MIN_INTERVAL_MS = 10;

export function createUpstreamPool(options: PoolOptions): UpstreamPool {
  const interval = Math.max(
    MIN_INTERVAL_MS,
    Math.min(MAX_INTERVAL_MS, Math.min(options.timeoutMs, options.idleTimeoutMs) / LOOKS),
  );
  const idle: UpstreamConnection[] = [];
  const open = new Set<UpstreamConnection>();
  let waiters: Waiter[] = [];
  const time = { now: options.monotonic() };
  let looking: NodeJS.Timeout | undefined;
  let connecting = 0;
  let closed = false;

  const onClosed = (connection: UpstreamConnection): void => {
    open.delete(connection);
    if (open.size + waiters.length === 0) stopLooking();
    const at = idle.indexOf(connection);
    if (at >= 0) idle.splice(at, 1);
    connectForNext();
  };

  /** There is room for one more connection. */
  const connectForNext = (): void => {
    const waiter = waiters.shift();
    if (waiter !== undefined) connect().then(waiter.resolve, waiter.reject);
  };

  /** While there is no connection at all, whoever was in line before this attempt began would not fare better. */
  const failed = (error: unknown, began: number): void => {
    while (open.size === 0 && waiters[0] !== undefined && waiters[0].since <= began) waiters.shift()?.reject(error);
    connectForNext();
  };

  const look = (): void => {
    time.now = options.monotonic();
    for (const connection of open) connection.checkTime();
    while (time.now - (waiters[0]?.since ?? time.now) > options.timeoutMs) waiters.shift()?.reject(overloaded());
    if (open.size + waiters.length === 0) stopLooking();
  };

  const keepLooking = (): void => {
    looking ??= setInterval(look, interval).unref();
  };

  const stopLooking = (): void => {
    clearInterval(looking);
    looking = undefined;
  };

  const opened = async (): Promise<OpenedSocket> => {
    connecting += 1;
    const began = options.monotonic();
    try {
      return await options.connect();
    } catch (error) {
      failed(error, began);
      throw error;
    } finally {
      connecting -= 1;
      time.now = options.monotonic();
    }
  };

  const connect = async (): Promise<UpstreamConnection> => {
    const connection = new UpstreamConnection(await opened(), { ...options, time, onClosed, onFree: release });
    open.add(connection);
    keepLooking();
    return connection;
  };

  const release = (connection: UpstreamConnection): void => {
    if (!open.has(connection)) return;
    const waiter = waiters.shift();
    if (waiter !== undefined) waiter.resolve(connection);
    else if (closed || idle.length >= options.maxIdle) connection.destroy();
    else idle.push(connection);
  };

  /** Those who have gone away make room for those who have not. */
  const mayWait = (): boolean => {
    if (waiters.length < options.maxWaiting) return true;
    const gone = waiters.filter(({ cancellation }) => cancellation.cancelled);
    waiters = waiters.filter(({ cancellation }) => !cancellation.cancelled);
    for (const { reject } of gone) reject(overloaded());
    return gone.length > 0;
  };

  return {
    acquire(fresh, cancellation) {
      for (let connection = fresh ? undefined : idle.pop(); connection !== undefined; connection = idle.pop()) {
        if (connection.usable) return connection;
        connection.destroy();
      }
      if (open.size + connecting < options.maxConnections) return connect();
      if (!mayWait()) return Promise.reject(overloaded());
      keepLooking();
      return new Promise((resolve, reject) => {
        waiters.push({ cancellation, since: options.monotonic(), resolve, reject });
      });
    },
    now: options.monotonic,
    release,
    close() {
      closed = true;
      while (idle.length > 0) idle.pop()?.destroy();
    },
  };
}

const RETRY_AFTER_SECONDS = 1;

function overloaded(): Problem {
  return new Problem('upstream_overloaded', 'all connections are in use, and too many requests wait for one', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}

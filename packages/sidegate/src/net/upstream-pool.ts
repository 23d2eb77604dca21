/** Connections to one upstream under one client identity: reused last in, first out; bounded; nobody waits in line for an idle one. */
import type { OpenedSocket } from './connector.ts';
import { type ConnectionOptions, UpstreamConnection } from './upstream-connection.ts';

export interface PoolOptions extends Omit<ConnectionOptions, 'onClosed' | 'onFree' | 'time'> {
  readonly monotonic: () => number;
  readonly maxConnections: number;
  readonly maxIdle: number;
  readonly connect: () => Promise<OpenedSocket>;
}

export interface UpstreamPool {
  /**
   * A connection that is free now, else a new one, else the next that becomes free.
   *
   * @param fresh never one that was used before
   * @throws Error of the socket when connecting fails
   */
  acquire(fresh: boolean): UpstreamConnection | Promise<UpstreamConnection>;
  /** Gives back a connection that was not used. */
  release(connection: UpstreamConnection): void;
  /** Ends what is idle now, and what is under way when it is over; who still comes gets a connection for once. */
  close(): void;
}

interface Waiter {
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
  const waiters: Waiter[] = [];
  const time = { now: options.monotonic() };
  let looking: NodeJS.Timeout | undefined;
  let connecting = 0;
  let closed = false;

  const onClosed = (connection: UpstreamConnection): void => {
    open.delete(connection);
    if (open.size === 0) stopLooking();
    const at = idle.indexOf(connection);
    if (at >= 0) idle.splice(at, 1);
    const waiter = waiters.shift();
    if (waiter !== undefined) connect().then(waiter.resolve, waiter.reject);
  };

  const look = (): void => {
    time.now = options.monotonic();
    for (const connection of open) connection.checkTime();
  };

  const stopLooking = (): void => {
    clearInterval(looking);
    looking = undefined;
  };

  const opened = async (): Promise<OpenedSocket> => {
    const socket = await options.connect();
    time.now = options.monotonic();
    return socket;
  };

  const connect = async (): Promise<UpstreamConnection> => {
    connecting += 1;
    try {
      const connection = new UpstreamConnection(await opened(), { ...options, time, onClosed, onFree: release });
      open.add(connection);
      looking ??= setInterval(look, interval).unref();
      return connection;
    } finally {
      connecting -= 1;
    }
  };

  const release = (connection: UpstreamConnection): void => {
    if (!open.has(connection)) return;
    const waiter = waiters.shift();
    if (waiter !== undefined) waiter.resolve(connection);
    else if (closed || idle.length >= options.maxIdle) connection.destroy();
    else idle.push(connection);
  };

  return {
    acquire(fresh) {
      for (let connection = fresh ? undefined : idle.pop(); connection !== undefined; connection = idle.pop()) {
        if (connection.usable) return connection;
        connection.destroy();
      }
      if (open.size + connecting < options.maxConnections) return connect();
      return new Promise((resolve, reject) => waiters.push({ resolve, reject }));
    },
    release,
    close() {
      closed = true;
      while (idle.length > 0) idle.pop()?.destroy();
    },
  };
}

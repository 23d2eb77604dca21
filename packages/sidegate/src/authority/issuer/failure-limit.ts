/**
 * Slows guessing down: after too many refused token requests for one client from one address, further ones are
 * refused unread until the minute is over. Other addresses and other clients are not affected.
 */

export interface FailureLimit {
  /** Seconds until the caller may try again, or undefined when it may try now. */
  retryAfterSeconds(caller: string, nowMs: number): number | undefined;
  recordFailure(caller: string, nowMs: number): void;
}

export interface FailureLimitOptions {
  readonly failures: number;
  readonly windowMs: number;
  /** Callers remembered at once; the longest remembered is forgotten first. */
  readonly maxCallers: number;
}

interface Window {
  readonly startMs: number;
  readonly failures: number;
}

export function failureLimit(options: FailureLimitOptions): FailureLimit {
  const windows = new Map<string, Window>();
  const current = (caller: string, nowMs: number): Window | undefined => {
    const window = windows.get(caller);
    return window !== undefined && nowMs - window.startMs < options.windowMs ? window : undefined;
  };
  return {
    retryAfterSeconds: (caller, nowMs) => {
      const window = current(caller, nowMs);
      if (window === undefined || window.failures < options.failures) return undefined;
      return Math.ceil((window.startMs + options.windowMs - nowMs) / 1000);
    },
    recordFailure: (caller, nowMs) => {
      const window = current(caller, nowMs) ?? { startMs: nowMs, failures: 0 };
      windows.delete(caller);
      windows.set(caller, { ...window, failures: window.failures + 1 });
      const [oldest] = windows.keys();
      if (windows.size > options.maxCallers && oldest !== undefined) windows.delete(oldest);
    },
  };
}

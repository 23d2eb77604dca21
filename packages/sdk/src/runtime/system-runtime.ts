/** The runtime of a real process. */
import type { Clock, Schedule } from '../ports.ts';
import { createHttpClient, type HttpClientOptions } from './http-client.ts';
import type { Runtime } from './runtime.ts';

/**
 * The system's clock and timers, and HTTP over undici. Nothing of it keeps the process alive.
 *
 * @example
 * ```ts
 * const runtime = systemRuntime();
 * const { status } = await runtime.http({
 *   method: 'GET',
 *   url: 'https://idp.example.com/.well-known/openid-configuration',
 *   headers: { accept: 'application/json' },
 *   timeoutMs: 5_000,
 *   maxBytes: 65_536,
 * });
 * ```
 */
export function systemRuntime(options: HttpClientOptions = {}): Runtime {
  return { clock: systemClock, random: Math.random, schedule, http: createHttpClient(options) };
}

const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

const schedule: Schedule = (delayMs, task) => {
  const timer = setTimeout(task, delayMs).unref();
  return () => clearTimeout(timer);
};

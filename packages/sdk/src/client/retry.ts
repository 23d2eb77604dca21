/** Which calls may be made again, and when: those whose method says that once more does no harm (RFC 9110 section 9.2.2). */
import type { Runtime } from '../runtime/runtime.ts';

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** The service, or who stands before it, says that it will pass. */
const PASSING: ReadonlySet<number> = new Set([502, 503, 504]);
const FIRST_MS = 100;
const LONGEST_MS = 2_000;
/** Whoever wants to be left alone for longer is: the answer goes to the caller. */
const MAX_RETRY_AFTER_SECONDS = 5;

export const isIdempotent = (method: string): boolean => IDEMPOTENT.has(method);

/** How long to wait before the next attempt; undefined: this answer is the last one. */
export function pauseAfter(
  answer: Response | undefined,
  attempt: number,
  random: Runtime['random'],
): number | undefined {
  const pauseMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt) * (0.5 + random() / 2);
  if (answer === undefined) return pauseMs;
  if (!PASSING.has(answer.status)) return undefined;
  const seconds = answer.headers.get('retry-after');
  if (seconds === null) return pauseMs;
  if (!/^\d{1,3}$/.test(seconds) || Number(seconds) > MAX_RETRY_AFTER_SECONDS) return undefined;
  return Math.max(pauseMs, Number(seconds) * 1000);
}

/** Rejects with the reason of the signal when it comes first. */
export function pause(delayMs: number, { schedule }: Runtime, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    // Somebody waits for the answer, so the process does not end meanwhile.
    const alive = setInterval(() => {}, LONGEST_MS);
    const stop = (): void => {
      clearInterval(alive);
      cancel();
      reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    const cancel = schedule(delayMs, () => {
      clearInterval(alive);
      signal?.removeEventListener('abort', stop);
      resolve();
    });
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

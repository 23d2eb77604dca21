/** What the SDK needs from the outside world; the defaults live with whoever assembles a process. */

/** Wall-clock time for comparing with claims, monotonic time for measuring and for caches. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds from an arbitrary origin; never runs backwards. */
  monotonic(): number;
}

/** One HTTP exchange with an identity provider: never follows redirects, always bounded. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The whole exchange, connect to last byte. */
  readonly timeoutMs: number;
  /** An answer with a larger body rejects. */
  readonly maxBytes: number;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An answer had more than `maxBytes`: the other side is there, but what it says is of no use. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge';
}

/** Rejects on a network error, a timeout or an oversized answer ({@link AnswerTooLarge}); every HTTP status resolves. */
export type HttpClient = (request: HttpRequest) => Promise<HttpResponse>;

/** Runs a task once after a delay; the returned function cancels it. Waiting never keeps the process alive. */
export type Schedule = (delayMs: number, task: () => void) => () => void;

/** A number from 0 up to 1, for jitter; nothing secret is made of it. */
export type Random = () => number;

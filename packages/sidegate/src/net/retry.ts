/** When an upstream is asked once more, and how often: only where asking twice does what asking once does. */
import type { UpstreamRequest } from './upstream.ts';

export type RetryCondition = '5xx' | 'reset' | 'connect_failure';

export interface RetryPolicy {
  /** The first one included. */
  readonly attempts: number;
  readonly delayMs: number;
  readonly conditions: readonly RetryCondition[];
}

/** RFC 9110 section 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** A body has been given away once it was sent. */
export function isRepeatable({ method, body }: UpstreamRequest): boolean {
  return body === undefined && IDEMPOTENT.has(method);
}

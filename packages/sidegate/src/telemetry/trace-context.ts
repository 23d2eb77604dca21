/** W3C Trace Context, level 1: read `traceparent`, continue the trace with a span of our own. */

export interface TraceContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits, ours. */
  readonly spanId: string;
  /** The caller's span; undefined when the trace starts here. */
  readonly parentSpanId: string | undefined;
  readonly sampled: boolean;
}

/** Random bytes as lower-case hex digits. */
export type RandomHex = (bytes: number) => string;

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A malformed or absent header starts a new trace. */
export function continueTrace(
  traceparent: string | undefined,
  { randomHex, sampler }: { readonly randomHex: RandomHex; readonly sampler: Sampler },
): TraceContext {
  const match = traceparent === undefined ? null : TRACEPARENT.exec(traceparent);
  const [, traceId = randomHex(16), parentSpanId, flags] = match ?? [];
  const sampled = flags === undefined ? sampler(traceId) : (Number.parseInt(flags, 16) & 1) === 1;
  return { traceId, spanId: randomHex(8), parentSpanId, sampled };
}

/** Whether a trace that begins here is kept. */
export type Sampler = (traceId: string) => boolean;

/** Who never exports a span asks nobody else to. */
export const NEVER: Sampler = () => false;

/** By the last 56 bits of the id, the larger ones, as the consistent samplers of OpenTelemetry do. @param ratio from 0 to 1 */
export function sampleShare(ratio: number): Sampler {
  const rejected = (1 - ratio) * 2 ** 52;
  return (traceId) => Number.parseInt(traceId.slice(18, 31), 16) >= rejected;
}

export function formatTraceparent(trace: TraceContext): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.sampled ? '01' : '00'}`;
}

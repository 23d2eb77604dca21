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
export function continueTrace(traceparent: string | undefined, randomHex: RandomHex): TraceContext {
  const match = traceparent === undefined ? null : TRACEPARENT.exec(traceparent);
  const [, traceId, parentSpanId, flags] = match ?? [];
  return {
    traceId: traceId ?? randomHex(16),
    spanId: randomHex(8),
    parentSpanId,
    sampled: flags !== undefined && (Number.parseInt(flags, 16) & 1) === 1,
  };
}

export function formatTraceparent(trace: TraceContext): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.sampled ? '01' : '00'}`;
}

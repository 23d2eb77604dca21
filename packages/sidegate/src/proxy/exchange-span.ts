/** One span for every sampled exchange, named by OpenTelemetry's conventions for HTTP; the same facts as in the audit record. */
import { attributes, unixNano } from '../telemetry/otlp.ts';
import { type Exchange, verdictOf } from './exchange.ts';
import { shownPath } from './shown-path.ts';

/** `SPAN_KIND_SERVER` and `SPAN_KIND_CLIENT`. */
const KINDS = { ingress: 2, decision: 2, egress: 3 } as const;
const ERROR = 2;
const NO_ROUTE = 'none';
/** Of a text that somebody else chose. */
const MAX_TEXT = 512;

/** @param endedMonotonic when the exchange was over @returns JSON */
export function spanOf(exchange: Exchange, endedMonotonic: number): string {
  const { direction, trace, startedAt, startedMonotonic, route = NO_ROUTE } = exchange;
  const method = exchange.target?.method ?? 'HTTP';
  const parent = trace.parentSpanId === undefined ? '' : `,"parentSpanId":"${trace.parentSpanId}"`;
  const ended = startedAt + (endedMonotonic - startedMonotonic);
  return (
    `{"traceId":"${trace.traceId}","spanId":"${trace.spanId}"${parent},"name":${JSON.stringify(`${method} ${route}`)},` +
    `"kind":${KINDS[direction]},"startTimeUnixNano":"${unixNano(startedAt)}","endTimeUnixNano":"${unixNano(ended)}",` +
    `"attributes":${attributes(factsOf(exchange))},"status":${statusOf(exchange)}}`
  );
}

function factsOf(exchange: Exchange): Readonly<Record<string, string | number | boolean | undefined>> {
  const { direction, target, status, route, upstream, peer, problem, shadowed, decision } = exchange;
  return {
    'http.request.method': target?.method,
    'http.route': route,
    'url.path': bounded(target && shownPath(target.path)),
    'http.response.status_code': status,
    'error.type': problem?.code ?? (exchange.aborted ? 'aborted' : undefined),
    'sidegate.direction': direction,
    'sidegate.decision': verdictOf(exchange),
    'sidegate.shadow': shadowed === undefined ? undefined : true,
    'sidegate.rule': decision?.rule,
    'sidegate.upstream': upstream?.name,
    'sidegate.peer': bounded(peer?.spiffeId ?? peer?.commonName),
    'sidegate.request_id': exchange.requestId,
    'sidegate.correlation_id': bounded(exchange.correlationId),
  };
}

/** A server that refuses does its work; for a client every refusal is an error. */
function statusOf({ direction, status, problem, aborted }: Exchange): string {
  const failed = (status ?? 0) >= (direction === 'egress' ? 400 : 500) || (aborted && problem === undefined);
  if (!failed) return '{}';
  return `{"code":${ERROR}${problem === undefined ? '' : `,"message":${JSON.stringify(problem.message.slice(0, MAX_TEXT))}`}}`;
}

function bounded(text: string | undefined): string | undefined {
  return text?.slice(0, MAX_TEXT);
}

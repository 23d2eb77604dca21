/** Audit records as log records of OpenTelemetry: the whole record is the body, what others search by stands beside it. */
import { attributes, unixNano } from '../telemetry/otlp.ts';
import type { AuditSink } from './audit-sink.ts';

/** `SeverityNumber` of the levels that a record has. */
const SEVERITIES: Readonly<Record<string, number>> = { info: 9, warn: 13, error: 17 };

interface AuditRecord {
  readonly level: string;
  readonly time: string;
  readonly event: string;
  readonly decision?: string;
  readonly code?: string;
  readonly trace_id?: string;
  readonly span_id?: string;
}

/** It never refuses: this is a copy, whose losses are counted. */
export function otlpSink(add: (logRecord: string) => void): AuditSink {
  return (lines) => {
    for (const line of lines.split('\n')) if (line !== '') add(logRecordOf(line));
  };
}

function logRecordOf(line: string): string {
  const { level, time, event, decision, code, trace_id, span_id } = JSON.parse(line) as AuditRecord;
  const at = unixNano(Date.parse(time));
  const facts = attributes({ 'sidegate.decision': decision, 'error.type': code });
  const trace = trace_id === undefined ? '' : `,"traceId":"${trace_id}","spanId":"${span_id ?? ''}"`;
  return (
    `{"timeUnixNano":"${at}","observedTimeUnixNano":"${at}","severityNumber":${SEVERITIES[level] ?? 0},` +
    `"severityText":${JSON.stringify(level.toUpperCase())},"eventName":${JSON.stringify(`sidegate.audit.${event}`)},` +
    `"body":{"stringValue":${JSON.stringify(line)}},"attributes":${facts}${trace}}`
  );
}

/** OTLP 1.x in its JSON form: what a collector of OpenTelemetry takes over HTTP, https://opentelemetry.io/docs/specs/otlp/. */

export type AttributeValue = string | number | boolean;

/** One batch of one signal: where it goes, and how its items become a body. */
export interface OtlpSignal {
  readonly name: 'logs' | 'traces';
  /** Below the collector's address. */
  readonly path: '/v1/logs' | '/v1/traces';
  /** The member of a partial success that counts what the collector did not take. */
  readonly rejected: 'rejectedLogRecords' | 'rejectedSpans';
  /** @param items as JSON, after commas @param resource as JSON */
  readonly body: (items: string, resource: string) => string;
}

const SCOPE = '"scope":{"name":"sidegate"}';

export const LOGS: OtlpSignal = {
  name: 'logs',
  path: '/v1/logs',
  rejected: 'rejectedLogRecords',
  body: (items, resource) =>
    `{"resourceLogs":[{"resource":${resource},"scopeLogs":[{${SCOPE},"logRecords":[${items}]}]}]}`,
};

export const TRACES: OtlpSignal = {
  name: 'traces',
  path: '/v1/traces',
  rejected: 'rejectedSpans',
  body: (items, resource) =>
    `{"resourceSpans":[{"resource":${resource},"scopeSpans":[{${SCOPE},"spans":[${items}]}]}]}`,
};

/** @returns JSON; what is undefined is left out */
export function attributes(values: Readonly<Record<string, AttributeValue | undefined>>): string {
  const members: string[] = [];
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) members.push(`{"key":${JSON.stringify(key)},"value":${anyValue(value)}}`);
  }
  return `[${members.join(',')}]`;
}

export function resource(service: string): string {
  return `{"attributes":${attributes({ 'service.name': service })}}`;
}

/** @param milliseconds since the epoch @returns nanoseconds, as 64-bit numbers are written in JSON */
export function unixNano(milliseconds: number): string {
  const whole = Math.floor(milliseconds);
  const nanos = Math.round((milliseconds - whole) * 1e6);
  return String(BigInt(whole) * 1_000_000n + BigInt(nanos));
}

function anyValue(value: AttributeValue): string {
  if (typeof value === 'string') return `{"stringValue":${JSON.stringify(value)}}`;
  if (typeof value === 'boolean') return `{"boolValue":${value}}`;
  return Number.isSafeInteger(value) ? `{"intValue":"${value}"}` : `{"doubleValue":${value}}`;
}

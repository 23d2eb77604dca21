/** A collector of OpenTelemetry on a real loopback socket, which remembers what it took. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string; readonly boolValue?: boolean };
}

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code?: number; readonly message?: string };
}

export interface LogRecord {
  readonly timeUnixNano: string;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly eventName: string;
  readonly body: { readonly stringValue: string };
  readonly attributes: readonly Attribute[];
  readonly traceId?: string;
}

interface Batch {
  readonly resourceSpans?: readonly {
    readonly resource: Resource;
    readonly scopeSpans: readonly { spans: Span[] }[];
  }[];
  readonly resourceLogs?: readonly {
    readonly resource: Resource;
    readonly scopeLogs: readonly { logRecords: LogRecord[] }[];
  }[];
}

interface Resource {
  readonly attributes: readonly Attribute[];
}

export interface OtlpCollector extends AsyncDisposable {
  readonly endpoint: string;
  readonly spans: readonly Span[];
  readonly logs: readonly LogRecord[];
  readonly headers: readonly IncomingHttpHeaders[];
  /** As they came, with the path that they came to. */
  readonly batches: readonly { readonly path: string; readonly body: unknown }[];
  /** `service.name` of each batch. */
  readonly services: readonly (string | undefined)[];
  /** What it answers from now on. */
  status: number;
}

export async function startOtlpCollector(): Promise<OtlpCollector> {
  const spans: Span[] = [];
  const logs: LogRecord[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const services: (string | undefined)[] = [];
  const batches: { path: string; body: unknown }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      headers.push(request.headers);
      response.writeHead(collector.status, { 'content-type': 'application/json' }).end('{}');
      if (collector.status !== 200) return;
      const batch = JSON.parse(Buffer.concat(chunks).toString()) as Batch;
      batches.push({ path: request.url ?? '', body: batch });
      for (const { resource, scopeSpans } of (request.url === '/v1/traces' && batch.resourceSpans) || []) {
        services.push(attribute(resource, 'service.name'));
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
      for (const { resource, scopeLogs } of (request.url === '/v1/logs' && batch.resourceLogs) || []) {
        services.push(attribute(resource, 'service.name'));
        for (const scope of scopeLogs) logs.push(...scope.logRecords);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const collector: OtlpCollector = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    logs,
    headers,
    batches,
    services,
    status: 200,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return collector;
}

export function attribute({ attributes }: Resource, key: string): string | undefined {
  const { value } = attributes.find((each) => each.key === key) ?? {};
  return value?.stringValue ?? value?.intValue ?? value?.boolValue?.toString();
}

/** `otlp` and `observability.tracing` → exporters towards a collector, and which exchanges become spans. */
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { createHttpClient } from '../net/http-client.ts';
import type { Exchange } from '../proxy/exchange.ts';
import { spanOf } from '../proxy/exchange-span.ts';
import { LOGS, type OtlpSignal, resource, TRACES } from '../telemetry/otlp.ts';
import { createOtlpExporter, type OtlpExporter } from '../telemetry/otlp-exporter.ts';
import { NEVER, type Sampler, sampleShare } from '../telemetry/trace-context.ts';
import type { Meters } from './assemble-metrics.ts';
import { clientTls } from './assemble-upstreams.ts';
import type { Assembly } from './assembly.ts';

export interface Tracing {
  readonly sampler: Sampler;
  /** Told of every exchange that is over; undefined: nobody collects spans. */
  readonly onEnded: ((exchange: Exchange) => void) | undefined;
}

export interface AssembledExporter {
  readonly exporter: OtlpExporter;
  /** Everything that shapes it, for a part that is made from it. */
  readonly madeFrom: object;
}

/** What every `otlp` of the configuration has. */
type Collector = Omit<SidecarConfig['audit']['export']['otlp'], 'enabled'>;

export function assembleTracing(
  { service, observability: { tracing } }: SidecarConfig,
  assembly: Assembly,
  meters: Meters | undefined,
): Tracing {
  if (!tracing.enabled) return { sampler: NEVER, onEnded: undefined };
  const { clock } = assembly;
  const { sample_ratio: ratio, ...collector } = tracing;
  const { exporter } = assembleExporter(TRACES, { service: service.name, collector }, assembly, meters);
  return {
    sampler: sampleShare(ratio),
    onEnded: (exchange) => {
      if (exchange.trace.sampled) exporter.add(spanOf(exchange, clock.monotonic()));
    },
  };
}

/** Undefined: records are not exported. */
export function assembleAuditExporter(
  { service, audit }: SidecarConfig,
  assembly: Assembly,
  meters: Meters | undefined,
): AssembledExporter | undefined {
  const { enabled, ...collector } = audit.export.otlp;
  if (!audit.enabled || !enabled) return undefined;
  return assembleExporter(LOGS, { service: service.name, collector }, assembly, meters);
}

function assembleExporter(
  signal: OtlpSignal,
  { service, collector }: { readonly service: string; readonly collector: Collector },
  assembly: Assembly,
  meters: Meters | undefined,
): AssembledExporter {
  const { connectTo, schedule, random, logger, components } = assembly;
  const { endpoint, auth_token: token, timeout: timeoutMs } = collector;
  const tls = clientTls(collector.tls, assembly);
  const madeFrom = { signal: signal.name, service, endpoint, token, timeoutMs, tls };
  const exporter = components.take('exporter', madeFrom, () => {
    const http = createHttpClient({ tls, connectTo, connections: { keepAlive: true, maxSockets: 1 } });
    const made = createOtlpExporter({
      http: http.send,
      endpoint,
      headers: token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` },
      timeoutMs,
      signal,
      resource: resource(service),
      schedule,
      random,
      onChange: (reason) => {
        if (reason === undefined) logger.info({ endpoint, signal: signal.name }, 'the collector takes it again');
        else logger.warn({ endpoint, signal: signal.name, reason }, 'the collector does not take what is exported');
      },
      onItems: (result, count) => meters?.exported(signal.name, result, count),
    });
    const close = async (): Promise<void> => {
      await made.close();
      await http.close();
    };
    return { value: made, close };
  });
  return { exporter, madeFrom };
}

/** `audit.export` → the sinks that keep audit records. */
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { otlpSink } from '../proxy/audit-otlp.ts';
import type { AuditSink } from '../proxy/audit-sink.ts';
import { logfmt } from '../telemetry/logfmt.ts';
import type { OtlpExporter } from '../telemetry/otlp-exporter.ts';
import type { Assembly } from './assembly.ts';
import { openAuditFile } from './audit-file.ts';

type Exports = SidecarConfig['audit']['export'];

type Ports = Pick<Assembly, 'clock' | 'logger' | 'findings' | 'components'>;

/** By name. @param exporter towards the collector, if there is one */
export function auditSinks(
  { audit }: Pick<SidecarConfig, 'audit'>,
  stdout: AuditSink,
  assembly: Ports,
  exporter?: OtlpExporter,
): ReadonlyMap<string, AuditSink> {
  const sinks = new Map<string, AuditSink>();
  if (!audit.enabled) return sinks;
  const { enabled, format } = audit.export.stdout;
  if (enabled) sinks.set('stdout', format === 'json' ? stdout : (lines) => stdout(logfmt(lines)));
  const file = audit.export.file && fileSink(audit.export.file, assembly);
  if (file !== undefined) sinks.set('file', file);
  if (exporter !== undefined)
    sinks.set(
      'otlp',
      otlpSink((record) => exporter.add(record)),
    );
  return sinks;
}

function fileSink(
  { path, max_size: maxSize, max_files: maxFiles }: NonNullable<Exports['file']>,
  { clock, logger, findings, components }: Ports,
): AuditSink | undefined {
  try {
    return components.take('audit file', { path, maxSize, maxFiles }, () => {
      const file = openAuditFile({
        path,
        maxSize,
        maxFiles,
        now: () => clock.now(),
        onTrouble: (error) => logger.warn({ err: error }, 'an audit file could not be put aside'),
      });
      return { value: file.sink, close: () => file.close() };
    });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    const hint = 'audit.export.file.path must be in a folder that this process may write';
    findings.push({ file: path, severity: 'error', message: `cannot be written (${code})`, hint });
    return undefined;
  }
}

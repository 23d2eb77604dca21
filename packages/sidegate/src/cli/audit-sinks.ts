/** `audit.export` → the sinks that keep audit records. */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import type { AuditSink } from '../proxy/audit.ts';
import type { Assembly } from './assembly.ts';

export function auditSinks({ audit }: SidecarConfig, stdout: AuditSink, assembly: Assembly): readonly AuditSink[] {
  if (!audit.enabled) return [];
  const file = audit.export.file === undefined ? undefined : fileSink(audit.export.file.path, assembly);
  return [...(audit.export.stdout.enabled ? [stdout] : []), ...(file === undefined ? [] : [file])];
}

/** Appends and returns only when the system has taken the line: a record is never half a promise. */
function fileSink(path: string, { findings, closers }: Assembly): AuditSink | undefined {
  try {
    const file = openSync(path, 'a', 0o600);
    closers.push(() => closeSync(file));
    return (line) => void writeSync(file, `${line}\n`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    const hint = 'audit.export.file.path must be in a folder that this process may write';
    findings.push({ file: path, severity: 'error', message: `cannot be written (${code})`, hint });
    return undefined;
  }
}

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

/** Appends and returns only when the system has taken the lines: a record is never half a promise. */
function fileSink(path: string, { findings, closers }: Assembly): AuditSink | undefined {
  try {
    const file = openSync(path, 'a', 0o600);
    closers.push(() => closeSync(file));
    return appender(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    const hint = 'audit.export.file.path must be in a folder that this process may write';
    findings.push({ file: path, severity: 'error', message: `cannot be written (${code})`, hint });
    return undefined;
  }
}

/** A full disk may take a part of a record: that one is lost, and the next one must not continue its line. */
function appender(file: number): AuditSink {
  let torn = false;
  return (lines) => {
    let rest = torn ? `\n${lines}` : lines;
    const { length } = rest;
    try {
      // A character is a byte.
      while (rest !== '') rest = rest.slice(writeSync(file, rest, null, 'latin1'));
    } finally {
      if (rest.length < length) torn = rest !== '';
    }
  };
}

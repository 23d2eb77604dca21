/** The audit trail: one JSON line for every exchange, allowed or refused, also an aborted one. */
import { Problem } from '@sidegate/sdk';
import { auditLine } from './audit-line.ts';
import { type AuditEvent, auditRecords } from './audit-record.ts';
import type { Exchange } from './exchange.ts';

/** Keeps one complete line, given without its line end; throws when it cannot. */
export type AuditSink = (line: string) => void;

export interface AuditOptions {
  /** This service's own name, in every line. */
  readonly service: string;
  readonly sinks: readonly AuditSink[];
  /** `access` adds a second, short record for each exchange that reached the service. */
  readonly events: readonly AuditEvent[];
  /** `required`: while records cannot be kept, requests are refused; `best_effort`: they are served. */
  readonly mode: 'required' | 'best_effort';
  readonly clock: { now(): number; monotonic(): number };
  /** Told once when records begin to be lost, and once when they are kept again. */
  readonly onChange: (failure: unknown) => void;
}

export interface Audit {
  /** Writes the record of a finished exchange. */
  record(exchange: Exchange): void;
  /** @throws Problem `audit_unavailable` in mode `required`, while records cannot be kept */
  assertAvailable(): void;
}

export function createAudit(options: AuditOptions): Audit {
  const { sinks, mode, onChange } = options;
  let failing = false;
  return {
    record(exchange) {
      try {
        for (const record of auditRecords(exchange, options)) {
          const line = auditLine(record);
          for (const sink of sinks) sink(line);
        }
        if (failing) onChange(undefined);
        failing = false;
      } catch (error) {
        if (!failing) onChange(error);
        failing = true;
      }
    },
    assertAvailable() {
      if (failing && mode === 'required') {
        throw new Problem('audit_unavailable', 'the last audit record could not be kept', { retryAfterSeconds: 1 });
      }
    },
  };
}

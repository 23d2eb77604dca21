/** The audit trail: one JSON line for every exchange, allowed or refused, also an aborted one. */
import { Problem } from '@sidegate/sdk';
import { AuditRecords, type RecordOptions } from './audit-record.ts';
import type { Exchange } from './exchange.ts';

/** Keeps whole lines, each with its line end; returns when the system has taken them, throws when it has not. */
export type AuditSink = (lines: string) => void;

export interface AuditOptions extends RecordOptions {
  readonly sinks: readonly AuditSink[];
  /** `required`: while records cannot be kept, requests are refused; `best_effort`: they are served. */
  readonly mode: 'required' | 'best_effort';
  /** Runs a task when what has arrived by now is dealt with, before the answers to it leave. */
  readonly defer: (task: () => void) => void;
  /** Told once when records begin to be lost, and once when they are kept again. */
  readonly onChange: (failure: unknown) => void;
}

export interface Audit {
  /** Takes the record of a finished exchange; those of one turn of the event loop are written together. */
  record(exchange: Exchange): void;
  /** @throws Problem `audit_unavailable` in mode `required`, while records cannot be kept */
  assertAvailable(): void;
  /** Writes what was taken. */
  flush(): void;
}

/** More than that is not kept waiting. */
const MAX_WAITING = 64 * 1024;

export function createAudit(options: AuditOptions): Audit {
  const { sinks, mode, defer, onChange } = options;
  const records = new AuditRecords(options);
  let waiting = '';
  let failing = false;

  const attempt = (action: () => void): boolean => {
    try {
      action();
      return true;
    } catch (error) {
      if (!failing) onChange(error);
      failing = true;
      return false;
    }
  };

  const flush = (): void => {
    const lines = waiting;
    waiting = '';
    if (lines === '' || !attempt(() => sinks.forEach((sink) => sink(lines)))) return;
    if (failing) onChange(undefined);
    failing = false;
  };

  return {
    record(exchange) {
      const first = waiting === '';
      attempt(() => {
        waiting += records.of(exchange);
      });
      if (waiting.length > MAX_WAITING) flush();
      else if (first) defer(flush);
    },
    assertAvailable() {
      if (failing && mode === 'required') {
        throw new Problem('audit_unavailable', 'the last audit record could not be kept', { retryAfterSeconds: 1 });
      }
    },
    flush,
  };
}

/**
 * The audit trail: one JSON line for every exchange, allowed or refused, also an aborted one. An answer waits for its record: in
 * mode `required` nothing leaves whose record could not be kept.
 */
import { Problem } from '@sidegate/sdk';
import { AuditRecords, type RecordOptions } from './audit-record.ts';
import { type AuditSink, type Lines, recordsTaken, Spool } from './audit-sink.ts';
import type { Exchange } from './exchange.ts';

export interface AuditOptions extends RecordOptions {
  /** By the name that the metrics have for each. */
  readonly sinks: ReadonlyMap<string, AuditSink>;
  /** `required`: what cannot be recorded is refused; `best_effort`: it is served, its record waits, and may be lost. */
  readonly mode: 'required' | 'best_effort';
  /** Runs a task when what has arrived by now is dealt with, before or behind the answers to it. */
  readonly defer: (task: () => void) => void;
  /** Told once when records begin to be lost, and once when they are kept again. */
  readonly onChange: (failure: unknown) => void;
}

/** An answer that has not left. */
export interface RecordedAnswer {
  /** It may leave. */
  kept(): void;
  /** It must not leave as it is. */
  lost(problem: Problem): void;
}

export interface Audit {
  /** Takes the record of a finished exchange; those of one turn of the event loop are written together. */
  record(exchange: Exchange, answer: RecordedAnswer): void;
  /** @throws Problem `audit_unavailable` in mode `required`, while records cannot be kept */
  assertAvailable(): void;
  /** Whether the last records were kept. */
  readonly available: boolean;
  /** How many records each sink did not keep, those that still wait not counted. */
  dropped(): readonly (readonly [sink: string, records: number])[];
  /** Writes what was taken. */
  flush(): void;
  /** The same; what could not be written by now is lost. */
  close(): void;
}

/** More than that is not kept waiting. */
const MAX_WAITING = 64 * 1024;

export function createAudit(options: AuditOptions): Audit {
  const { sinks, mode, defer, onChange } = options;
  const records = new AuditRecords(options);
  const outlets = Array.from(sinks, ([name, sink]) => ({
    name,
    sink,
    spool: new Spool(sink),
    /** In mode `required`, and records that could not even be written down. */
    dropped: 0,
  }));
  let text = '';
  let ends: number[] = [];
  let answers: RecordedAnswer[] = [];
  let failing = false;
  /** A flush is on its way. */
  let deferred = false;

  const note = (failure: unknown): void => {
    if (failing === (failure !== undefined)) return;
    failing = failure !== undefined;
    onChange(failure);
  };

  /** @returns how many of the records every sink has taken */
  const write = (lines: Lines): number => {
    let kept = lines.ends.length;
    let failure: unknown;
    for (const outlet of outlets) {
      try {
        if (mode === 'required') outlet.sink(lines.text);
        else outlet.spool.write(lines);
      } catch (error) {
        failure = error ?? new Error('no reason given');
        if (mode !== 'required') continue;
        const taken = recordsTaken(error, lines);
        outlet.dropped += lines.ends.length - taken;
        kept = Math.min(kept, taken);
      }
    }
    note(failure);
    return kept;
  };

  const flush = (): void => {
    const [lines, waiting] = [{ text, ends }, answers];
    text = '';
    ends = [];
    answers = [];
    deferred = false;
    const kept = outlets.length === 0 || lines.text === '' ? waiting.length : write(lines);
    for (const [index, answer] of waiting.entries()) {
      if (index < kept) answer.kept();
      else answer.lost(unavailable());
    }
  };

  const unrecordable = (error: unknown, answer: RecordedAnswer): void => {
    note(error);
    for (const outlet of outlets) outlet.dropped += 1;
    if (mode === 'required') answer.lost(unavailable());
    else answer.kept();
  };

  return {
    record(exchange, answer) {
      if (outlets.length > 0) {
        try {
          text += records.of(exchange);
        } catch (error) {
          unrecordable(error, answer);
          return;
        }
        ends.push(text.length);
      }
      // A record that must be kept is kept before its answer leaves; else nobody waits for it.
      if (mode === 'required') answers.push(answer);
      else answer.kept();
      if (text.length > MAX_WAITING) flush();
      else if (!deferred) {
        deferred = true;
        defer(flush);
      }
    },
    assertAvailable() {
      if (failing && mode === 'required') throw unavailable();
    },
    get available() {
      return !failing;
    },
    dropped: () => outlets.map(({ name, spool, dropped }) => [name, dropped + spool.dropped]),
    flush,
    close() {
      flush();
      for (const { spool } of outlets) spool.close();
    },
  };
}

function unavailable(): Problem {
  return new Problem('audit_unavailable', 'an audit record could not be kept', { retryAfterSeconds: 1 });
}

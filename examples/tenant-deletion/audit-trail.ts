/** The audit trail of the example: one file, a JSON line for each call that was let in or refused and for each step of a deletion. */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface AuditTrail {
  readonly file: string;
  /** Returns when the line is written; throws when it is not, and then nothing may happen. */
  write(record: object): void;
  read(): readonly Readonly<Record<string, unknown>>[];
}

export function openAuditTrail(file: string): AuditTrail {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  appendFileSync(file, '', { mode: 0o600 });
  return {
    file,
    write: (record) => appendFileSync(file, `${JSON.stringify(record)}\n`, { flush: true }),
    read: () =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Readonly<Record<string, unknown>>])),
  };
}

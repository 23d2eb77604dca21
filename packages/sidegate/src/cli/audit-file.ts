/**
 * The file of audit records, and those that it was before: a file that is full gets another name, and a new one begins. No record is
 * lost on the way: names are never used twice, whatever fails leaves the file that is open in use, and several processes may do it.
 */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { AuditSink } from '../proxy/audit-sink.ts';
import { LineWriter } from './line-writer.ts';

export interface AuditFileOptions {
  readonly path: string;
  /** Bytes; undefined: it grows. */
  readonly maxSize: number | undefined;
  /** Of those put aside; undefined: all. */
  readonly maxFiles: number | undefined;
  readonly now: () => number;
  /** A file could not be put aside, or not be removed: records go on into the one that is open. */
  readonly onTrouble: (error: unknown) => void;
}

export interface AuditFile {
  readonly sink: AuditSink;
  close(): void;
}

/** Behind the name of the file: when it was put aside, by which process, and its how manieth. */
const ASIDE = /^\.\d{4}-\d\d-\d\dT\d{6}\.\d{3}Z-\d+-\d{6}$/;

/** @throws Error of the file system */
export function openAuditFile(options: AuditFileOptions): AuditFile {
  const { path: name, maxSize } = options;
  let file = openSync(name, 'a', 0o600);
  let writer = new LineWriter(file);
  let turns = 0;

  const reopen = (): void => {
    const next = openSync(name, 'a', 0o600);
    closeSync(file);
    file = next;
    writer = new LineWriter(file);
  };

  /** Other processes have other names. */
  const freeName = (): string => {
    for (;;) {
      turns += 1;
      const free = `${name}${asideEnding(options.now(), turns)}`;
      if (!existsSync(free)) return free;
    }
  };

  const makeRoom = (bytes: number, limit: number): void => {
    try {
      if (!isNamed(file, name)) reopen();
      const { size } = fstatSync(file);
      if (size === 0 || size + bytes <= limit) return;
      renameSync(name, freeName());
      reopen();
      removeOldest(options);
    } catch (error) {
      options.onTrouble(error);
    }
  };

  return {
    sink: (lines) => {
      if (maxSize !== undefined) makeRoom(lines.length, maxSize);
      writer.write(lines);
    },
    close: () => closeSync(file),
  };
}

/** Another process, or another program, may have put aside what is open here. */
function isNamed(file: number, name: string): boolean {
  const open = fstatSync(file);
  const named = statSync(name, { throwIfNoEntry: false });
  return named !== undefined && named.ino === open.ino && named.dev === open.dev;
}

function asideEnding(now: number, turn: number): string {
  const time = new Date(now).toISOString().replaceAll(':', '');
  return `.${time}-${process.pid}-${String(turn).padStart(6, '0')}`;
}

function removeOldest({ path: name, maxFiles }: AuditFileOptions): void {
  if (maxFiles === undefined) return;
  const { dir, base } = path.parse(name);
  const aside = readdirSync(dir).filter((entry) => entry.startsWith(base) && ASIDE.test(entry.slice(base.length)));
  // The time comes first in the ending, so that their order is that of their names.
  for (const entry of aside.toSorted().slice(0, -maxFiles)) rmSync(path.join(dir, entry), { force: true });
}

/** Whole lines into an open file or pipe: it returns when the system has taken them, and says how much it has taken when it has not. */
import { writeSync } from 'node:fs';
import { type AuditSink, PartlyTaken } from '../proxy/audit-sink.ts';

/** A pipe whose reader is behind, and that was told not to wait. */
const BUSY = 'EAGAIN';
const PAUSE_MS = 2;
const MAX_PAUSES = 500;

/** A full disk may take a part of a line: the next one must not continue it. */
export class LineWriter {
  readonly #file: number;
  #torn = false;

  constructor(file: number) {
    this.#file = file;
  }

  readonly write: AuditSink = (lines) => {
    const before = this.#torn ? '\n' : '';
    let rest = before + lines;
    const { length } = rest;
    try {
      while (rest !== '') rest = rest.slice(this.#some(rest));
    } catch (error) {
      const written = length - rest.length;
      throw written > before.length ? new PartlyTaken(written - before.length, error) : error;
    } finally {
      if (rest.length < length) this.#torn = rest !== '';
    }
  };

  /** A character is a byte. */
  #some(text: string): number {
    for (let pauses = 0; ; pauses += 1) {
      try {
        return writeSync(this.#file, text, null, 'latin1');
      } catch (error) {
        const busy = error instanceof Error && 'code' in error && error.code === BUSY;
        if (!busy || pauses === MAX_PAUSES) throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
      }
    }
  }
}

/** Hands lines over piece by piece; what it throws speaks of all of them. */
export function inPieces(sink: AuditSink, cut: (lines: string) => Iterable<string>): AuditSink {
  return (lines) => {
    let taken = 0;
    for (const piece of cut(lines)) {
      try {
        sink(piece);
      } catch (error) {
        taken += error instanceof PartlyTaken ? error.characters : 0;
        throw taken === 0 ? error : new PartlyTaken(taken, error);
      }
      taken += piece.length;
    }
  };
}

/** Where audit records go, and where they wait while nobody takes them. */

/**
 * Keeps whole lines, each with its line end; returns when the system has taken them.
 *
 * @throws PartlyTaken when it has taken a part, any other error when it has taken nothing
 */
export type AuditSink = (lines: string) => void;

/** Only the beginning of the lines was taken. */
export class PartlyTaken extends Error {
  override readonly name = 'PartlyTaken';
  readonly characters: number;

  constructor(characters: number, cause: unknown) {
    super('only a part was written', { cause });
    this.characters = characters;
  }
}

/** Records as one text. */
export interface Lines {
  readonly text: string;
  /** Where each record ends in the text. */
  readonly ends: readonly number[];
}

/** How many records were taken as a whole before the error. */
export function recordsTaken(error: unknown, { ends }: Lines): number {
  if (!(error instanceof PartlyTaken)) return 0;
  const first = ends.findIndex((end) => end > error.characters);
  return first < 0 ? ends.length : first;
}

const NOTHING: Lines = { text: '', ends: [] };
const MAX_SPOOLED = 1024 * 1024;

/** What a sink does not take waits here for the next attempt, up to 1 MiB; what does not fit is lost, the latest first, and counted. */
export class Spool {
  readonly #sink: AuditSink;
  #waiting = NOTHING;
  #dropped = 0;

  constructor(sink: AuditSink) {
    this.#sink = sink;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** @throws what the sink throws, after the records have found their place */
  write(lines: Lines): void {
    const all = this.#waiting.text === '' ? lines : joined(this.#waiting, lines);
    this.#waiting = NOTHING;
    try {
      this.#sink(all.text);
    } catch (error) {
      this.#keep(all, recordsTaken(error, all));
      throw error;
    }
  }

  /** A last attempt. */
  close(): void {
    if (this.#waiting.text === '') return;
    try {
      this.write(NOTHING);
    } catch {
      this.#dropped += this.#waiting.ends.length;
      this.#waiting = NOTHING;
    }
  }

  #keep({ text, ends }: Lines, taken: number): void {
    const start = taken === 0 ? 0 : (ends[taken - 1] ?? 0);
    const fitting = ends.slice(taken).filter((end) => end - start <= MAX_SPOOLED);
    this.#dropped += ends.length - taken - fitting.length;
    const end = fitting.at(-1);
    if (end === undefined) return;
    this.#waiting = { text: text.slice(start, end), ends: fitting.map((each) => each - start) };
  }
}

function joined(first: Lines, second: Lines): Lines {
  return {
    text: first.text + second.text,
    ends: [...first.ends, ...second.ends.map((end) => end + first.text.length)],
  };
}

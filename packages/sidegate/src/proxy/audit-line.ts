/** One record as one line of ASCII: nothing in it can end a line, colour a terminal, turn its direction or fill a disk. */
import type { AsciiWriter } from './ascii-writer.ts';

/** How much of a text, and how many members of a list, are written. */
export interface LineLimits {
  readonly text: number;
  readonly list: number;
  /** Nothing is shortened that is not far beyond what anybody sends. */
  readonly whole: boolean;
}

export interface Repeated<T extends object> {
  readonly known: WeakMap<T, string>;
  readonly write: (value: T, inner: AuditLine) => void;
}

/** Members in the order of the calls; what is undefined is left out. */
export class AuditLine {
  readonly limits: LineLimits;
  readonly #to: AsciiWriter;
  #empty = true;

  constructor(to: AsciiWriter, limits: LineLimits) {
    this.#to = to;
    this.limits = limits;
  }

  text(name: string, value: string | undefined): void {
    if (value === undefined) return;
    this.#begin(name);
    this.#to.quoted(this.#bounded(value));
  }

  number(name: string, value: number | undefined): void {
    if (value !== undefined) this.json(name, String(value));
  }

  flag(name: string, value: boolean | undefined): void {
    if (value !== undefined) this.json(name, value ? 'true' : 'false');
  }

  list(name: string, values: readonly string[]): void {
    this.#begin(name);
    this.#to.ascii('[');
    const count = Math.min(values.length, this.limits.list);
    for (let i = 0; i < count; i += 1) {
      if (i > 0) this.#to.ascii(',');
      this.#to.quoted(this.#bounded(values[i] ?? ''));
    }
    this.#to.ascii(']');
  }

  /** Data whose size and content are not ours. */
  data(name: string, value: unknown): void {
    if (value === undefined) return;
    this.#begin(name);
    this.#to.json(value);
  }

  /** An object of our own making. */
  object(name: string, write: (inner: AuditLine) => void): void {
    this.#begin(name);
    const inner = new AuditLine(this.#to, this.limits);
    write(inner);
    inner.end();
  }

  /** The same, which many lines have: written once, and then taken from `known`. */
  repeated<T extends object>(name: string, value: T, { known, write }: Repeated<T>): void {
    // What is shortened for one line is not what the others want.
    const json = this.limits.whole ? known.get(value) : undefined;
    this.#begin(name);
    if (json !== undefined) {
      this.#to.ascii(json);
      return;
    }
    const start = this.#to.length;
    const inner = new AuditLine(this.#to, this.limits);
    write(value, inner);
    inner.end();
    if (this.limits.whole) known.set(value, this.#to.textFrom(start));
  }

  /** @param json as it stands in the line; `name` is one of our own */
  json(name: string, json: string): void {
    this.#begin(name);
    this.#to.ascii(json);
  }

  /** Without a line end. */
  end(): void {
    this.#to.ascii(this.#empty ? '{}' : '}');
  }

  #begin(name: string): void {
    this.#to.ascii(this.#empty ? '{"' : ',"');
    this.#empty = false;
    this.#to.ascii(name);
    this.#to.ascii('":');
  }

  #bounded(value: string): string {
    return value.length <= this.limits.text ? value : `${value.slice(0, this.limits.text)}…`;
  }
}

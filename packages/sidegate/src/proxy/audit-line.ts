/** Writes a record as one line of ASCII: nothing in it can end a line, colour a terminal, turn its direction or fill a disk. */

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** JSON in which everything beyond printable ASCII is escaped. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[\u007f-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** How much of a text, and how many members of a list, are written. */
export interface LineLimits {
  readonly text: number;
  readonly list: number;
}

/** Members in the order of the calls; what is undefined is left out. */
export class AuditLine {
  readonly limits: LineLimits;
  /** Joined once: adding text to text would leave a string behind for every member. */
  readonly #pieces: string[] = [];

  constructor(limits: LineLimits) {
    this.limits = limits;
  }

  text(name: string, value: string | undefined): void {
    if (value === undefined) return;
    const bounded = this.#bounded(value);
    if (PLAIN.test(bounded)) this.#pieces.push(this.#separator(), name, '":"', bounded, '"');
    else this.json(name, asciiJson(bounded));
  }

  number(name: string, value: number | undefined): void {
    if (value !== undefined) this.json(name, String(value));
  }

  flag(name: string, value: boolean | undefined): void {
    if (value !== undefined) this.json(name, value ? 'true' : 'false');
  }

  list(name: string, values: readonly string[]): void {
    let members = '';
    const count = Math.min(values.length, this.limits.list);
    for (let i = 0; i < count; i += 1) {
      members += `${i === 0 ? '' : ','}${asciiJson(this.#bounded(values[i] ?? ''))}`;
    }
    this.json(name, `[${members}]`);
  }

  /** Data whose size and content are not ours. */
  data(name: string, value: unknown): void {
    if (value !== undefined) this.json(name, asciiJson(value));
  }

  /** @param json as it stands in the line; `name` is one of our own */
  json(name: string, json: string): void {
    this.#pieces.push(this.#separator(), name, '":', json);
  }

  /** Without its line end. */
  done(): string {
    if (this.#pieces.length === 0) return '{}';
    this.#pieces.push('}');
    return this.#pieces.join('');
  }

  #separator(): string {
    return this.#pieces.length === 0 ? '{"' : ',"';
  }

  #bounded(value: string): string {
    return value.length <= this.limits.text ? value : `${value.slice(0, this.limits.text)}…`;
  }
}

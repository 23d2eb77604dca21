/** Text for a machine, written as bytes into one place that is used again and again. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Bytes that stand in a JSON text as they are: printable ASCII without the quote and the backslash. */
const PLAIN = Uint8Array.from({ length: 128 }, (_, code) =>
  code >= 0x20 && code < 0x7f && code !== QUOTE && code !== BACKSLASH ? 1 : 0,
);
/** Copied here; longer ones are worth a call into the run time. */
const SHORT = 24;
const FIRST_SIZE = 16 * 1024;

export class AsciiWriter {
  #bytes = Buffer.allocUnsafeSlow(FIRST_SIZE);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written, to be read before anything else is. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What was written behind `start`. */
  textFrom(start: number): string {
    return this.#bytes.toString('latin1', start, this.#length);
  }

  /** Takes back what was written behind `length`. */
  cut(length: number): void {
    this.#length = length;
  }

  /** @param text printable ASCII */
  ascii(text: string): void {
    this.#makeRoom(text.length);
    const bytes = this.#bytes;
    let at = this.#length;
    this.#length = at + text.length;
    if (text.length > SHORT) bytes.write(text, at, 'latin1');
    else for (let i = 0; i < text.length; i += 1, at += 1) bytes[at] = text.charCodeAt(i);
  }

  /** A JSON string in which everything beyond printable ASCII is escaped. */
  quoted(text: string): void {
    this.#makeRoom(text.length + 2);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at] = QUOTE;
    at += 1;
    for (let i = 0; i < text.length; i += 1, at += 1) {
      const code = text.charCodeAt(i);
      if (PLAIN[code] !== 1) {
        this.json(text);
        return;
      }
      bytes[at] = code;
    }
    bytes[at] = QUOTE;
    this.#length = at + 1;
  }

  /** JSON of any data, in which everything beyond printable ASCII is escaped. */
  json(value: unknown): void {
    const text = JSON.stringify(value);
    this.ascii(
      text.replaceAll(/[\u007f-\uffff]/g, (character) => {
        return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
      }),
    );
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(needed * 2);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

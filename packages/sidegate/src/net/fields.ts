/**
 * The field section of one message, RFC 9112 section 5, read with every leniency left out: what could be read in two
 * ways is an error. Nothing is merged or dropped, so a duplicate stays visible to whoever has to refuse it.
 */
import { hashByte, LOWER_TOKEN, lowerName } from './field-names.ts';

/** Bytes that are no field section. */
export class FieldSyntaxError extends Error {
  override readonly name = 'FieldSyntaxError';
}

/** What no head has anywhere: controls, a line feed or a carriage return on its own. */
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
export const BROKEN_LINES = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|(?:^|[^\r])\n|\r[^\n]/;

const NO_TOKENS: readonly string[] = [];
const NO_VALUES: readonly string[] = [];

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;

/** Bytes that a value may hold: tab, and everything but control characters. */
const IN_VALUE = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === TAB || (byte >= SPACE && byte !== 0x7f) ? 1 : 0,
);

/** Numbers that say where a field is: its line, its value, the end of the value, the end of the line with its CRLF. */
const PLACES = 4;

/** Fields in the order of the wire, as places in the message; a value becomes a text when somebody asks for it. */
export class Fields {
  static readonly NONE: Fields = new Fields('');

  readonly lowerNames: string[] = [];
  readonly #text: string;
  readonly #places: number[] = [];

  /** @param text latin-1, the message that the places are in */
  constructor(text: string) {
    this.#text = text;
  }

  get size(): number {
    return this.lowerNames.length;
  }

  /** For {@link readFields}. */
  add(lowerName: string, line: number, value: number, valueEnd: number, lineEnd: number): void {
    this.lowerNames.push(lowerName);
    this.#places.push(line, value, valueEnd, lineEnd);
  }

  /** As it was sent. */
  name(index: number): string {
    const line = this.#at(index, 0);
    return this.#text.slice(line, line + (this.lowerNames[index] ?? '').length);
  }

  /** Without outer blanks. */
  value(index: number): string {
    return this.#text.slice(this.#at(index, 1), this.#at(index, 2));
  }

  has(lowerName: string): boolean {
    return this.lowerNames.includes(lowerName);
  }

  /** Every value of a field. */
  all(lowerName: string): readonly string[] {
    const first = this.lowerNames.indexOf(lowerName);
    if (first < 0) return NO_VALUES;
    const found = [this.value(first)];
    for (let i = first + 1; i < this.lowerNames.length; i += 1) {
      if (this.lowerNames[i] === lowerName) found.push(this.value(i));
    }
    return found;
  }

  /** The value of a field that was sent exactly once. */
  single(lowerName: string): string | undefined {
    const at = this.lowerNames.indexOf(lowerName);
    return at < 0 || this.lowerNames.includes(lowerName, at + 1) ? undefined : this.value(at);
  }

  /** Whether a line of this field has a tab, also around its value. */
  hasTab(lowerName: string): boolean {
    return this.lowerNames.some(
      (name, index) => name === lowerName && this.#text.slice(this.#at(index, 0), this.#at(index, 3)).includes('\t'),
    );
  }

  /** The members of a comma-separated list field, over all its lines, trimmed, in lower case. */
  tokens(lowerName: string): readonly string[] {
    const values = this.all(lowerName);
    if (values.length === 0) return NO_TOKENS;
    const [only = ''] = values;
    if (values.length === 1 && !only.includes(',')) return only === '' ? NO_TOKENS : [only.toLowerCase()];
    return values
      .flatMap((value) => value.split(','))
      .map((token) => trimmed(token).toLowerCase())
      .filter((token) => token !== '');
  }

  /** The lines of the fields whose names are kept, for the wire, with one blank after the colon. */
  lines(keeps: (lowerName: string) => boolean): string {
    let lines = '';
    // Neighbours that go as they came leave in one piece.
    let from = 0;
    let to = 0;
    for (let i = 0; i < this.lowerNames.length; i += 1) {
      const name = this.lowerNames[i] as string;
      if (!keeps(name)) continue;
      const line = this.#at(i, 0);
      const value = this.#at(i, 1);
      const lineEnd = this.#at(i, 3);
      const asItCame =
        value === line + name.length + 2 &&
        lineEnd === this.#at(i, 2) + 2 &&
        this.#text.charCodeAt(value - 1) === SPACE;
      if (asItCame && line === to) {
        to = lineEnd;
        continue;
      }
      lines += this.#text.slice(from, to);
      from = line;
      to = lineEnd;
      if (asItCame) continue;
      lines += fieldLine(this.name(i), this.value(i));
      from = to;
    }
    return lines + this.#text.slice(from, to);
  }

  #at(index: number, place: number): number {
    return this.#places[index * PLACES + place] ?? 0;
  }
}

/**
 * Reads field lines.
 *
 * @param text `bytes` as latin-1, as far as they matter
 * @param start of a field line
 * @param end behind the last one's CRLF
 * @throws FieldSyntaxError
 */
export function readFields(bytes: Uint8Array, text: string, start: number, end: number): Fields {
  const fields = new Fields(text);
  for (let line = start; line < end; ) {
    let hash = 0;
    let at = line;
    for (let lower = lowerAt(bytes, at); lower !== 0; lower = lowerAt(bytes, at)) {
      hash = hashByte(hash, lower);
      at += 1;
    }
    if (at === line || at >= end) throw new FieldSyntaxError('a field line without a name and a colon');
    if (bytes[at] !== COLON) throw new FieldSyntaxError('a field name that is no token');
    const name = lowerName(bytes, line, at, hash);
    let value = at + 1;
    while (isBlank(bytes[value])) value += 1;
    at = value;
    while (IN_VALUE[bytes[at] ?? 0] === 1) at += 1;
    if (bytes[at] !== CARRIAGE_RETURN || bytes[at + 1] !== LINE_FEED || at + 2 > end) {
      throw new FieldSyntaxError('a field value with a byte that is not allowed');
    }
    let valueEnd = at;
    while (valueEnd > value && isBlank(bytes[valueEnd - 1])) valueEnd -= 1;
    fields.add(name, line, value, valueEnd, at + 2);
    line = at + 2;
  }
  return fields;
}

/** Without outer blanks, RFC 9110 section 5.6.3: what else JavaScript calls white space is part of the text. */
export function trimmed(text: string): string {
  return text.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '');
}

function lowerAt(bytes: Uint8Array, at: number): number {
  return LOWER_TOKEN[bytes[at] ?? 0] ?? 0;
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

/**
 * One field line for the wire.
 *
 * INVARIANT: nothing that reaches this point may end a line; if it does, it is our own fault and nothing is sent.
 */
export function fieldLine(name: string, value: string): string {
  if (value.includes('\n') || value.includes('\r')) throw new Error(`a line end in the header ${name}`);
  return `${name}: ${value}\r\n`;
}

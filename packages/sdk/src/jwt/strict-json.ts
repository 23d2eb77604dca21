/**
 * A JSON reader for hostile bytes: RFC 8259 grammar within the limits of I-JSON (RFC 7493).
 *
 * `JSON.parse` keeps the last of two equal members, accepts lone surrogates and any depth, and rounds numbers
 * silently. Two readers that disagree on any of these can be played against each other, so all are refused here.
 * Values come back frozen; objects have no prototype, `__proto__` is a member like any other.
 */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [name: string]: JsonValue;
}

export type JsonErrorKind = 'syntax' | 'duplicate_member' | 'number_range';

/** Why the bytes are not acceptable JSON; the message holds positions, never content. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
  readonly kind: JsonErrorKind;

  constructor(kind: JsonErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Containers within containers: a token's claims need four, a key set five. */
const MAX_DEPTH = 16;
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const HEX4 = /^[0-9a-fA-F]{4}$/;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Reads one JSON text; the cost is linear in its size.
 *
 * @throws JsonError, and nothing else.
 */
export function parseStrictJson(bytes: Uint8Array): JsonValue {
  return new Reader(decodeUtf8(bytes)).read();
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): JsonValue {
    const value = this.#readValue(0);
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#syntax('unexpected text after the value');
    return value;
  }

  #readValue(depth: number): JsonValue {
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#readObject(depth + 1);
      case '[':
        return this.#readArray(depth + 1);
      case '"':
        return this.#readString();
      case 't':
        return this.#readWord('true', true);
      case 'f':
        return this.#readWord('false', false);
      case 'n':
        return this.#readWord('null', null);
      default:
        return this.#readNumber();
    }
  }

  #readObject(depth: number): JsonObject {
    this.#enter(depth);
    const object = Object.create(null) as Record<string, JsonValue>;
    if (this.#closes('}')) return Object.freeze(object);
    do {
      this.#skipSpace();
      if (this.#text.charCodeAt(this.#at) !== QUOTE) throw this.#syntax('a member name was expected');
      const name = this.#readString();
      // JSON has no undefined, so what is there is a duplicate; names compare after unescaping.
      if (object[name] !== undefined)
        throw new JsonError('duplicate_member', `member named twice at offset ${this.#at}`);
      this.#skipSpace();
      if (this.#text[this.#at] !== ':') throw this.#syntax('":" was expected');
      this.#at += 1;
      object[name] = this.#readValue(depth);
    } while (this.#continues('}'));
    return Object.freeze(object);
  }

  #readArray(depth: number): readonly JsonValue[] {
    this.#enter(depth);
    const array: JsonValue[] = [];
    if (this.#closes(']')) return Object.freeze(array);
    do {
      array.push(this.#readValue(depth));
    } while (this.#continues(']'));
    return Object.freeze(array);
  }

  #enter(depth: number): void {
    if (depth > MAX_DEPTH) throw this.#syntax(`nested deeper than ${MAX_DEPTH}`);
    this.#at += 1;
  }

  #closes(end: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== end) return false;
    this.#at += 1;
    return true;
  }

  #continues(end: string): boolean {
    if (this.#closes(end)) return false;
    if (this.#text[this.#at] !== ',') throw this.#syntax(`"," or "${end}" was expected`);
    this.#at += 1;
    return true;
  }

  #readString(): string {
    this.#at += 1;
    const start = this.#at;
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit === QUOTE) {
        this.#at += 1;
        return this.#text.slice(start, this.#at - 1);
      }
      if (unit === BACKSLASH) return this.#readEscaped(start);
      // NaN, past the end, is caught here as well
      if (!(unit >= 0x20)) throw this.#syntax('a string holds a control character or does not end');
      this.#at += 1;
    }
  }

  #readEscaped(start: number): string {
    let result = this.#text.slice(start, this.#at);
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (!(unit >= 0x20)) throw this.#syntax('a string holds a control character or does not end');
      if (unit === QUOTE) break;
      if (unit === BACKSLASH) {
        result += this.#readEscape();
      } else {
        result += this.#text[this.#at];
        this.#at += 1;
      }
    }
    if (!result.isWellFormed()) throw this.#syntax('a string holds a lone surrogate');
    this.#at += 1;
    return result;
  }

  #readEscape(): string {
    const letter = this.#text.charAt(this.#at + 1);
    if (letter === 'u') {
      const digits = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!HEX4.test(digits)) throw this.#syntax('an escape is not valid');
      this.#at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const plain = ESCAPES.get(letter);
    if (plain === undefined) throw this.#syntax('an escape is not valid');
    this.#at += 2;
    return plain;
  }

  #readNumber(): number {
    const start = this.#at;
    while (isNumberUnit(this.#text.charCodeAt(this.#at))) this.#at += 1;
    const digits = this.#text.slice(start, this.#at);
    if (!NUMBER.test(digits)) throw this.#syntax('a value was expected');
    const value = Number(digits);
    // Two different integers must not read as one, however they are written: an id that is rounded is another id.
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
      throw new JsonError('number_range', `a number at offset ${start} is outside the exact range`);
    }
    return value;
  }

  #readWord<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#syntax('a value was expected');
    this.#at += word.length;
    return value;
  }

  #skipSpace(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.#at += 1;
    }
  }

  #syntax(what: string): JsonError {
    return new JsonError('syntax', `${what} at offset ${this.#at}`);
  }
}

/** Whether a value is a JSON object, as opposed to an array, null or a scalar. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value is an array; `Array.isArray` does not narrow a readonly one. */
export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** A byte order mark stays in the text and is refused there: RFC 8259 section 8.1. */
const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return UTF_8.decode(bytes);
  } catch {
    throw new JsonError('syntax', 'the bytes are not UTF-8');
  }
}

function isNumberUnit(unit: number): boolean {
  // digits, "+", "-", ".", "E", "e"
  return (
    (unit >= 0x30 && unit <= 0x39) || unit === 0x2b || unit === 0x2d || unit === 0x2e || unit === 0x45 || unit === 0x65
  );
}

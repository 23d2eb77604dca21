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
  const text = decodeUtf8(bytes);
  let at = 0;

  const value = readValue(0);
  skipSpace();
  if (at < text.length) throw syntax('unexpected text after the value');
  return value;

  function readValue(depth: number): JsonValue {
    skipSpace();
    switch (text[at]) {
      case '{':
        return readObject(depth + 1);
      case '[':
        return readArray(depth + 1);
      case '"':
        return readString();
      case 't':
        return readWord('true', true);
      case 'f':
        return readWord('false', false);
      case 'n':
        return readWord('null', null);
      default:
        return readNumber();
    }
  }

  function readObject(depth: number): JsonObject {
    enter(depth);
    const object = Object.create(null) as Record<string, JsonValue>;
    if (closes('}')) return Object.freeze(object);
    do {
      skipSpace();
      if (text.charCodeAt(at) !== QUOTE) throw syntax('a member name was expected');
      const name = readString();
      // JSON has no undefined, so what is there is a duplicate; names compare after unescaping.
      if (object[name] !== undefined) throw new JsonError('duplicate_member', `member named twice at offset ${at}`);
      skipSpace();
      if (text[at] !== ':') throw syntax('":" was expected');
      at += 1;
      object[name] = readValue(depth);
    } while (continues('}'));
    return Object.freeze(object);
  }

  function readArray(depth: number): readonly JsonValue[] {
    enter(depth);
    const array: JsonValue[] = [];
    if (closes(']')) return Object.freeze(array);
    do {
      array.push(readValue(depth));
    } while (continues(']'));
    return Object.freeze(array);
  }

  function enter(depth: number): void {
    if (depth > MAX_DEPTH) throw syntax(`nested deeper than ${MAX_DEPTH}`);
    at += 1;
  }

  function closes(end: string): boolean {
    skipSpace();
    if (text[at] !== end) return false;
    at += 1;
    return true;
  }

  function continues(end: string): boolean {
    if (closes(end)) return false;
    if (text[at] !== ',') throw syntax(`"," or "${end}" was expected`);
    at += 1;
    return true;
  }

  function readString(): string {
    at += 1;
    const start = at;
    for (;;) {
      const unit = text.charCodeAt(at);
      if (unit === QUOTE) {
        at += 1;
        return text.slice(start, at - 1);
      }
      if (unit === BACKSLASH) return readEscaped(start);
      // NaN, past the end, is caught here as well
      if (!(unit >= 0x20)) throw syntax('a string holds a control character or does not end');
      at += 1;
    }
  }

  function readEscaped(start: number): string {
    let result = text.slice(start, at);
    for (;;) {
      const unit = text.charCodeAt(at);
      if (!(unit >= 0x20)) throw syntax('a string holds a control character or does not end');
      if (unit === QUOTE) break;
      if (unit === BACKSLASH) {
        result += readEscape();
      } else {
        result += text[at];
        at += 1;
      }
    }
    if (!result.isWellFormed()) throw syntax('a string holds a lone surrogate');
    at += 1;
    return result;
  }

  function readEscape(): string {
    const letter = text.charAt(at + 1);
    if (letter === 'u') {
      const digits = text.slice(at + 2, at + 6);
      if (!HEX4.test(digits)) throw syntax('an escape is not valid');
      at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const plain = ESCAPES.get(letter);
    if (plain === undefined) throw syntax('an escape is not valid');
    at += 2;
    return plain;
  }

  function readNumber(): number {
    const start = at;
    while (isNumberUnit(text.charCodeAt(at))) at += 1;
    const digits = text.slice(start, at);
    if (!NUMBER.test(digits)) throw syntax('a value was expected');
    const value = Number(digits);
    // Two different integers must not read as one, however they are written: an id that is rounded is another id.
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
      throw new JsonError('number_range', `a number at offset ${start} is outside the exact range`);
    }
    return value;
  }

  function readWord<T>(word: string, value: T): T {
    if (!text.startsWith(word, at)) throw syntax('a value was expected');
    at += word.length;
    return value;
  }

  function skipSpace(): void {
    for (;;) {
      const unit = text.charCodeAt(at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      at += 1;
    }
  }

  function syntax(what: string): JsonError {
    return new JsonError('syntax', `${what} at offset ${at}`);
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

function decodeUtf8(bytes: Uint8Array): string {
  try {
    // A byte order mark stays in the text and is refused there: RFC 8259 section 8.1.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
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

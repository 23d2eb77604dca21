/**
 * JSON in and out. Reading keeps the text of numbers, never makes a prototype, bounds the depth and complains
 * in the words of Go's encoding/json, because `json.unmarshal` shows them; writing is what OPA's marshalling writes.
 */

import { compareStrings } from './compare.ts';
import { BigNumber, numberText, parseNumber } from './number.ts';
import { emptyObject, isObject, objectEntries, RegoObject } from './object.ts';
import { RegoSet } from './set.ts';
import type { ObjectValue, Value } from './value.ts';

/** Deeper documents are refused: every walk over a value may then recurse. */
export const MAX_DEPTH = 1_000;

/** What is wrong with a document, in Go's words, and where. */
export class JsonError extends SyntaxError {
  /** In UTF-16 units, from 0. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/**
 * Reads one JSON document.
 * @throws JsonError
 */
export function parseJson(text: string): Value {
  return new Parser(text).document();
}

/** As `json.marshal`: keys sorted, sets as sorted arrays, other keys by their JSON text, `<`, `>` and `&` escaped. */
export function toJson(value: Value): string {
  return writeJson(value, goString);
}

/** As {@link toJson} without the escapes for HTML. */
export function toPlainJson(value: Value): string {
  return writeJson(value, plainString);
}

/**
 * The value of a JavaScript value made of JSON's types. Plain input is returned as it is, without a copy.
 * @throws TypeError for anything that JSON cannot say
 */
export function fromNative(native: unknown): Value {
  return convert(native, 0);
}

/** What `JSON.parse` would return for the value's JSON: sets become arrays, big numbers the nearest double. */
export function toNative(value: Value): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof BigNumber) return Number(value.text);
  if (Array.isArray(value)) return value.map(toNative);
  if (value instanceof RegoSet) return value.sorted().map(toNative);
  const object = Object.create(null) as Record<string, unknown>;
  if (isObject(value)) for (const [key, item] of objectEntries(value)) object[keyText(key)] = toNative(item);
  return object;
}

/** The name that a key has in JSON. */
export function keyText(key: Value): string {
  return typeof key === 'string' ? key : toJson(key);
}

function writeJson(value: Value, string: (text: string) => string): string {
  if (typeof value === 'string') return string(value);
  if (typeof value === 'number') return String(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (value instanceof BigNumber) return numberText(value);
  if (Array.isArray(value)) return `[${value.map((item) => writeJson(item as Value, string)).join()}]`;
  if (value instanceof RegoSet)
    return `[${value
      .sorted()
      .map((item) => writeJson(item, string))
      .join()}]`;
  if (!isObject(value)) throw new TypeError('not a Rego value');
  return `{${namedMembers(value)
    .map(([name, item]) => `${string(name)}:${writeJson(item, string)}`)
    .join()}}`;
}

/** Members as JSON knows them: in the order of their names, each name once. */
export function namedMembers(object: ObjectValue): readonly (readonly [string, Value])[] {
  return object instanceof RegoObject ? byName(object) : (objectEntries(object) as readonly [string, Value][]);
}

/** JSON has names only: members are in the order of their names, and of two with one name the last counts. */
function byName(object: RegoObject): (readonly [string, Value])[] {
  const members = new Map(objectEntries(object).map(([key, item]) => [keyText(key), item] as const));
  return [...members].sort(([a], [b]) => compareStrings(a, b));
}

function goString(text: string): string {
  return plainString(text).replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}

function plainString(text: string): string {
  const quoted = JSON.stringify(text.toWellFormed());
  return /[\u2028\u2029]/.test(quoted)
    ? quoted.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
    : quoted;
}

function convert(native: unknown, depth: number): Value {
  if (depth > MAX_DEPTH) throw new TypeError(`nested deeper than ${MAX_DEPTH}`);
  switch (typeof native) {
    case 'string':
      return native.isWellFormed() ? native : native.toWellFormed();
    case 'boolean':
      return native;
    case 'number':
      if (!Number.isFinite(native)) throw new TypeError(`${native} is no JSON value`);
      return native;
    case 'bigint':
      return parseNumber(String(native));
    case 'object':
      if (native === null) return null;
      if (native instanceof BigNumber || native instanceof RegoSet || native instanceof RegoObject) return native;
      if (Array.isArray(native)) return convertArray(native, depth);
      return convertObject(native as Record<string, unknown>, depth);
    default:
      throw new TypeError(`a ${typeof native} is no JSON value`);
  }
}

function convertArray(native: readonly unknown[], depth: number): readonly Value[] {
  let changed = false;
  const items = native.map((item) => {
    const value = convert(item, depth + 1);
    changed ||= value !== item;
    return value;
  });
  return changed ? items : (native as readonly Value[]);
}

function convertObject(native: Record<string, unknown>, depth: number): Value {
  let changed = false;
  const members = emptyObject();
  for (const key of Object.keys(native)) {
    const item = native[key];
    const name = key.isWellFormed() ? key : key.toWellFormed();
    if (item === undefined) {
      changed = true;
      continue;
    }
    const value = convert(item, depth + 1);
    changed ||= value !== item || name !== key;
    members[name] = value;
  }
  return changed ? members : (native as Record<string, Value>);
}

const SPACE = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// Everything from the space on, but the two characters that mean something.
const PLAIN = /[ !#-[\]-\uffff]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Value {
    this.#space();
    if (this.#at === this.#text.length) throw this.#error('EOF');
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#trailing();
    return value;
  }

  /** A second document is read as far as its first token, for the message. */
  #trailing(): SyntaxError {
    const at = this.#at;
    const char = this.#text.charAt(at);
    const token = char === '{' || char === '[' ? char : this.#value(0);
    const text = typeof token === 'string' ? token : toPlainJson(token);
    return new JsonError(`error: invalid character '${text}' after top-level value`, at);
  }

  #value(depth: number): Value {
    if (depth > MAX_DEPTH) throw this.#error('exceeded max depth');
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#literal('true', true);
      case 'f':
        return this.#literal('false', false);
      case 'n':
        return this.#literal('null', null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): Value {
    const object = emptyObject();
    this.#at += 1;
    this.#space();
    if (this.#skip('}')) return object;
    do {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#unexpected('looking for beginning of object key string');
      const key = this.#string();
      this.#space();
      if (!this.#skip(':')) throw this.#unexpected('after object key');
      object[key] = this.#value(depth + 1);
      this.#space();
    } while (this.#skip(','));
    if (!this.#skip('}')) throw this.#unexpected('after object key:value pair');
    return object;
  }

  #array(depth: number): Value {
    const items: Value[] = [];
    this.#at += 1;
    this.#space();
    if (this.#skip(']')) return items;
    do {
      items.push(this.#value(depth + 1));
      this.#space();
    } while (this.#skip(','));
    if (!this.#skip(']')) throw this.#unexpected('after array element');
    return items;
  }

  #string(): string {
    this.#at += 1;
    let result = '';
    for (;;) {
      result += this.#match(PLAIN);
      const char = this.#text[this.#at];
      if (char === '"') {
        this.#at += 1;
        return result.isWellFormed() ? result : result.toWellFormed();
      }
      if (char !== '\\') throw this.#unexpected('in string literal');
      this.#at += 1;
      result += this.#escape();
    }
  }

  #escape(): string {
    const char = this.#text[this.#at] ?? '';
    const plain = ESCAPES[char];
    if (plain === undefined && char !== 'u') throw this.#unexpected('in string escape code');
    this.#at += 1;
    if (plain !== undefined) return plain;
    let unit = 0;
    for (let count = 0; count < 4; count += 1) {
      const digit = Number.parseInt(this.#text[this.#at] ?? '', 16);
      if (Number.isNaN(digit)) throw this.#unexpected('in \\u hexadecimal character escape');
      unit = unit * 16 + digit;
      this.#at += 1;
    }
    return String.fromCharCode(unit);
  }

  #number(): Value {
    const text = this.#match(NUMBER);
    if (text === '') {
      if (this.#text[this.#at] !== '-') throw this.#unexpected('looking for beginning of value');
      this.#at += 1;
      throw this.#unexpected('in numeric literal');
    }
    const next = this.#text[this.#at];
    if (next === '.' && !text.includes('.') && !/[eE]/.test(text)) {
      this.#at += 1;
      throw this.#unexpected('after decimal point in numeric literal');
    }
    if ((next === 'e' || next === 'E') && !/[eE]/.test(text)) {
      this.#at += 1;
      if (!this.#skip('+')) this.#skip('-');
      throw this.#unexpected('in exponent of numeric literal');
    }
    return parseNumber(text);
  }

  #literal<T>(word: string, value: T): T {
    for (let index = 1; index < word.length; index += 1) {
      this.#at += 1;
      if (this.#text[this.#at] !== word[index]) {
        throw this.#unexpected(`in literal ${word} (expecting '${word[index]}')`);
      }
    }
    this.#at += 1;
    return value;
  }

  #space(): void {
    const unit = this.#text.charCodeAt(this.#at);
    if (unit <= 32) this.#match(SPACE);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #skip(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  #unexpected(context: string): SyntaxError {
    const codePoint = this.#text.codePointAt(this.#at);
    if (codePoint === undefined) return this.#error('unexpected EOF');
    return this.#error(`invalid character ${goCharacter(firstByte(codePoint))} ${context}`);
  }

  #error(message: string): JsonError {
    return new JsonError(message, this.#at);
  }
}

/** Go reads bytes, and shows the first one of a character as if it were one. */
function firstByte(codePoint: number): number {
  if (codePoint < 0x80) return codePoint;
  if (codePoint < 0x800) return 0xc0 | (codePoint >> 6);
  return codePoint < 0x10000 ? 0xe0 | (codePoint >> 12) : 0xf0 | (codePoint >> 18);
}

function goCharacter(codePoint: number): string {
  const char = String.fromCodePoint(codePoint);
  if (char === "'") return "'\\''";
  if (char === '"') return "'\"'";
  const short = codePoint < 32 ? JSON.stringify(char).slice(1, -1) : char;
  return `'${short.startsWith('\\u') ? `\\x${short.slice(-2)}` : short}'`;
}

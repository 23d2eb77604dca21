/**
 * Python's `json.dumps(json.loads(body), sort_keys=True)`, byte for byte, without reading a value into another type:
 * integers keep all their digits, and what a second reader could read in another way is refused.
 */
import { JsonError } from '../jwt/strict-json.ts';

const MAX_DEPTH = 64;
/** Python refuses longer integers. */
const MAX_INTEGER_DIGITS = 4_300;
const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws JsonError for what is not JSON, a member named twice, a number that is too large, `NaN` and `Infinity` */
export function pythonJson(body: Uint8Array): string {
  let text: string;
  try {
    text = UTF_8.decode(body);
  } catch {
    throw new JsonError('syntax', 'the bytes are not UTF-8');
  }
  const cursor = { text, at: 0 };
  const written = writeValue(cursor, 0);
  if (cursor.at < text.length) throw syntax(cursor, 'unexpected text after the value');
  return written;
}

interface Cursor {
  readonly text: string;
  at: number;
}

function writeValue(cursor: Cursor, depth: number): string {
  if (depth > MAX_DEPTH) throw syntax(cursor, `nested deeper than ${MAX_DEPTH}`);
  skipSpace(cursor);
  const first = cursor.text[cursor.at];
  const written =
    first === '{'
      ? writeObject(cursor, depth)
      : first === '['
        ? writeArray(cursor, depth)
        : first === '"'
          ? asciiString(readString(cursor))
          : writeScalar(cursor);
  skipSpace(cursor);
  return written;
}

function writeObject(cursor: Cursor, depth: number): string {
  const members = new Map<string, string>();
  readItems(cursor, '}', () => {
    skipSpace(cursor);
    if (cursor.text[cursor.at] !== '"') throw syntax(cursor, 'a member name was expected');
    const name = readString(cursor);
    if (members.has(name)) throw new JsonError('duplicate_member', `member named twice at offset ${cursor.at}`);
    skipSpace(cursor);
    expect(cursor, ':');
    members.set(name, writeValue(cursor, depth + 1));
  });
  const sorted = [...members].sort(([one], [other]) => byCodePoints(one, other));
  return `{${sorted.map(([name, value]) => `${asciiString(name)}: ${value}`).join(', ')}}`;
}

function writeArray(cursor: Cursor, depth: number): string {
  const values: string[] = [];
  readItems(cursor, ']', () => values.push(writeValue(cursor, depth + 1)));
  return `[${values.join(', ')}]`;
}

function readItems(cursor: Cursor, end: '}' | ']', readItem: () => void): void {
  cursor.at += 1;
  skipSpace(cursor);
  if (cursor.text[cursor.at] === end) {
    cursor.at += 1;
    return;
  }
  for (;;) {
    readItem();
    if (cursor.text[cursor.at] !== ',') break;
    cursor.at += 1;
  }
  expect(cursor, end);
}

function readString(cursor: Cursor): string {
  const start = cursor.at;
  cursor.at += 1;
  while (cursor.text[cursor.at] !== '"') {
    if (cursor.at >= cursor.text.length) throw syntax(cursor, 'a string does not end');
    cursor.at += cursor.text[cursor.at] === '\\' ? 2 : 1;
  }
  cursor.at += 1;
  try {
    return JSON.parse(cursor.text.slice(start, cursor.at)) as string;
  } catch {
    throw syntax(cursor, 'a string holds a control character or an escape that is not valid');
  }
}

const SCALAR = /true|false|null|(-?)(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;

function writeScalar(cursor: Cursor): string {
  SCALAR.lastIndex = cursor.at;
  const match = SCALAR.exec(cursor.text);
  if (match === null) throw syntax(cursor, 'a value was expected');
  cursor.at = SCALAR.lastIndex;
  const [written, sign = '', integer, fraction, exponent] = match;
  if (integer === undefined) return written;
  if (fraction !== undefined || exponent !== undefined) return floatRepr(Number(written));
  if (integer.length > MAX_INTEGER_DIGITS) throw new JsonError('number_range', 'an integer is too long');
  return integer === '0' ? '0' : sign + integer;
}

/** `repr` of a float: the shortest digits that read back as the same number, as JavaScript's, but written in another way. */
function floatRepr(value: number): string {
  if (!Number.isFinite(value)) throw new JsonError('number_range', 'a number is too large');
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [mantissa = '', power = ''] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const written = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
    return `${sign}${written}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const padded = digits.padEnd(exponent + 2, '0');
  return `${sign}${padded.slice(0, exponent + 1)}.${padded.slice(exponent + 1)}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function asciiString(text: string): string {
  const escaped = text.replaceAll(
    /["\\]|[^ -~]/g,
    (unit) => ESCAPES[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}

/** Python compares characters, JavaScript halves of them. */
function byCodePoints(one: string, other: string): number {
  const others = other[Symbol.iterator]();
  for (const character of one) {
    const { value, done } = others.next();
    if (done === true) return 1;
    const difference = (character.codePointAt(0) ?? 0) - (value.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return -1;
}

function expect(cursor: Cursor, character: string): void {
  if (cursor.text[cursor.at] !== character) throw syntax(cursor, `"${character}" was expected`);
  cursor.at += 1;
}

function skipSpace(cursor: Cursor): void {
  while (/[ \t\n\r]/.test(cursor.text[cursor.at] ?? '')) cursor.at += 1;
}

function syntax({ at }: Cursor, what: string): JsonError {
  return new JsonError('syntax', `${what} at offset ${at}`);
}

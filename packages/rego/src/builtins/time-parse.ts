/** Reads times as Go's `time.Parse` does, with its words for what does not fit. */
import { BuiltinError } from './builtin.ts';
import { toBytes } from './bytes.ts';
import { daysIn, MONTHS, pieces, utcMilliseconds, WEEKDAYS } from './go-time.ts';

/** What a text said, before it is known whether it fits together. */
interface Fields {
  year: number;
  month: number | undefined;
  day: number | undefined;
  dayOfYear: number | undefined;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  afternoon: boolean | undefined;
  isUtc: boolean;
  offsetSeconds: number;
}

/** The length of what was read, undefined when it was something else, or the name of what is out of range. */
type Reading = number | undefined | { readonly outOfRange: string };

/**
 * Reads `value` as `layout` says.
 * @returns nanoseconds since 1970
 * @throws BuiltinError in Go's words
 */
export function parseTime(layout: string, value: string): bigint {
  // Go counts bytes: an accented letter is as long as two digits.
  const [bytes, pattern] = [byteText(value), byteText(layout)];
  const fields = readFields(pattern, bytes);
  const refuse = (why: string): BuiltinError => new BuiltinError(`parsing time ${quoteBytes(bytes)}: ${why}`);
  if (fields.dayOfYear !== undefined) setDate(fields, fields.dayOfYear, refuse);
  const { year, month = 1, day = 1, afternoon } = fields;
  if (day < 1 || day > daysIn(year, month)) throw refuse('day out of range');
  const hour =
    fields.hour + (afternoon === true && fields.hour < 12 ? 12 : afternoon === false && fields.hour === 12 ? -12 : 0);
  const seconds =
    utcMilliseconds(year, month, day) / 1000 +
    hour * 3600 +
    fields.minute * 60 +
    fields.second -
    (fields.isUtc ? 0 : fields.offsetSeconds);
  return BigInt(seconds) * 1_000_000_000n + BigInt(fields.nanosecond);
}

/** Whether Go can read it. */
export function isTime(layout: string, value: string): boolean {
  try {
    parseTime(layout, value);
    return true;
  } catch (error) {
    if (error instanceof BuiltinError) return false;
    throw error;
  }
}

/** As the time package quotes in its errors: everything but printable ASCII byte by byte. */
export function quoteTime(text: string): string {
  return quoteBytes(byteText(text));
}

function readFields(layout: string, value: string): Fields {
  const fields: Fields = {
    year: 0,
    month: undefined,
    day: undefined,
    dayOfYear: undefined,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    afternoon: undefined,
    isUtc: false,
    offsetSeconds: 0,
  };
  const mismatch = (rest: string, wanted: string): BuiltinError =>
    new BuiltinError(
      `parsing time ${quoteBytes(value)} as ${quoteBytes(layout)}: cannot parse ${quoteBytes(rest)} as ${quoteBytes(wanted)}`,
    );
  let rest = value;
  const list = pieces(layout);
  for (const [index, { prefix, element }] of list.entries()) {
    const after = skip(rest, prefix);
    if (!after.fits) throw mismatch(after.rest, prefix);
    rest = after.rest;
    if (element === '') break;
    const read = READERS[element] ?? (/^[.,]/.test(element) ? fractionReader(element) : offsetReader(element));
    const reading = read(fields, rest);
    if (reading === undefined) throw mismatch(rest, element);
    if (typeof reading === 'object') {
      throw new BuiltinError(`parsing time ${quoteBytes(value)}: ${reading.outOfRange} out of range`);
    }
    rest = rest.slice(reading);
    if (/^0?5$/.test(element) && !/^[.,]/.test(list[index + 1]?.element ?? ''))
      rest = rest.slice(extraFraction(fields, rest));
  }
  if (rest === '') return fields;
  throw new BuiltinError(`parsing time ${quoteBytes(value)}: extra text: ${quoteBytes(rest)}`);
}

/** A space stands for any number of them, but for none only at the end of the value. */
function skip(value: string, prefix: string): { readonly fits: boolean; readonly rest: string } {
  let rest = value;
  for (const part of prefix.match(/ +|[^ ]/gs) ?? []) {
    const isSpace = part.startsWith(' ');
    if (isSpace ? rest !== '' && !rest.startsWith(' ') : !rest.startsWith(part)) return { fits: false, rest };
    rest = isSpace ? rest.replace(/^ +/, '') : rest.slice(1);
  }
  return { fits: true, rest };
}

/** A fraction may follow the seconds although the layout has none. */
function extraFraction(fields: Fields, rest: string): number {
  const fraction = /^[.,]\d+/.exec(rest)?.[0] ?? '';
  if (fraction !== '') fields.nanosecond = nanoseconds(fraction.slice(1)) ?? 0;
  return fraction.length;
}

/** A day of the year says month and day; what the text says of them itself must agree. */
function setDate(fields: Fields, dayOfYear: number, refuse: (why: string) => BuiltinError): void {
  const isLeap = daysIn(fields.year, 2) === 29;
  if (dayOfYear < 1 || dayOfYear > (isLeap ? 366 : 365)) throw refuse('day-of-year out of range');
  const date = new Date(utcMilliseconds(fields.year, 1, dayOfYear));
  const [month, day] = [date.getUTCMonth() + 1, date.getUTCDate()];
  if ((fields.month ?? month) !== month) throw refuse('day-of-year does not match month');
  if ((fields.day ?? day) !== day) throw refuse('day-of-year does not match day');
  [fields.month, fields.day] = [month, day];
}

type Reader = (fields: Fields, text: string) => Reading;

/** Digits that become a field, when they are within its range. */
function digits(
  name: 'year' | 'month' | 'day' | 'dayOfYear' | 'hour' | 'minute' | 'second',
  pattern: RegExp,
  [least, most]: readonly [number, number] = [0, Number.POSITIVE_INFINITY],
): Reader {
  return (fields, text) => {
    const [found] = pattern.exec(text) ?? [];
    if (found === undefined) return undefined;
    const value = Number(found.trim());
    if (value < least || value > most) return { outOfRange: name };
    fields[name] = value;
    return found.length;
  };
}

function names(
  list: readonly string[],
  length: number | undefined,
  found: (fields: Fields, index: number) => void,
): Reader {
  return (fields, text) => {
    const candidates = list.map((name) => name.slice(0, length));
    const index = candidates.findIndex((name) => text.slice(0, name.length).toLowerCase() === name.toLowerCase());
    if (index < 0) return undefined;
    found(fields, index);
    return candidates[index]?.length;
  };
}

const setMonth = (fields: Fields, index: number): void => {
  fields.month = index + 1;
};
const ignore = (): void => undefined;
const TWO = /^\d{2}/;
const ONE_OR_TWO = /^\d{1,2}/;
const READERS: Readonly<Record<string, Reader>> = {
  2006: digits('year', /^\d{4}/),
  '06': (fields, text) => {
    const year = text.length < 2 ? undefined : integer(text.slice(0, 2));
    if (year === undefined) return undefined;
    fields.year = year >= 69 ? 1900 + year : 2000 + year;
    return 2;
  },
  '01': digits('month', TWO, [1, 12]),
  1: digits('month', ONE_OR_TWO, [1, 12]),
  January: names(MONTHS, undefined, setMonth),
  Jan: names(MONTHS, 3, setMonth),
  Monday: names(WEEKDAYS, undefined, ignore),
  Mon: names(WEEKDAYS, 3, ignore),
  // Whether the day exists is asked when the month is known.
  '02': digits('day', TWO),
  _2: digits('day', /^ ?\d{1,2}/),
  2: digits('day', ONE_OR_TWO),
  '002': digits('dayOfYear', /^\d{3}/),
  __2: digits('dayOfYear', /^ {0,2}\d{1,3}/),
  15: digits('hour', ONE_OR_TWO, [0, 23]),
  '03': digits('hour', TWO, [0, 12]),
  3: digits('hour', ONE_OR_TWO, [0, 12]),
  '04': digits('minute', TWO, [0, 59]),
  4: digits('minute', ONE_OR_TWO, [0, 59]),
  '05': digits('second', TWO, [0, 59]),
  5: digits('second', ONE_OR_TWO, [0, 59]),
  PM: halfOfDay(/^[AP]M/),
  pm: halfOfDay(/^[ap]m/),
  MST: (fields, text) => {
    if (!text.startsWith('UTC')) return zoneNameLength(text);
    fields.isUtc = true;
    return 3;
  },
};

function halfOfDay(pattern: RegExp): Reader {
  return (fields, text) => {
    const [found] = pattern.exec(text) ?? [];
    if (found === undefined) return undefined;
    fields.afternoon = found.toLowerCase() === 'pm';
    return 2;
  };
}

/** A zone's abbreviation; what it means is not known, so that the time counts as UTC. */
function zoneNameLength(text: string): number | undefined {
  const offset = /^[+-](\d+)/.exec(text.replace(/^GMT/, ''));
  const hours = offset === null || Number(offset[1]) > 23 ? 0 : offset[0].length;
  if (text.length < 3) return undefined;
  if (/^(?:ChST|MeST)/.test(text)) return 4;
  if (text.startsWith('GMT')) return 3 + hours;
  if (/^[+-]/.test(text)) return hours === 0 ? undefined : hours;
  const letters = /^[A-Z]{0,6}/.exec(text)?.[0] ?? '';
  if (letters.length === 3) return 3;
  return /^(?:WITA|[A-Z]{3,4}T)$/.test(letters) ? letters.length : undefined;
}

function fractionReader(element: string): Reader {
  return (fields, text) => {
    const exact = element.charAt(1) === '0';
    const found = exact ? text.slice(0, element.length) : (/^[.,]\d+/.exec(text)?.[0] ?? '');
    if (!exact && found === '') return 0;
    if (found.length < element.length && exact) return undefined;
    const value = /^[.,]/.test(found) ? nanoseconds(found.slice(1)) : undefined;
    if (value === undefined) return undefined;
    if (value < 0) return { outOfRange: 'fractional second' };
    fields.nanosecond = value;
    return found.length;
  };
}

/** Nine digits of a fraction. */
function nanoseconds(fraction: string): number | undefined {
  const value = integer(fraction.slice(0, 9));
  return value === undefined ? undefined : value * 10 ** (9 - Math.min(fraction.length, 9));
}

/** As Go's `atoi` reads one: a sign alone is zero. */
function integer(text: string): number | undefined {
  if (!/^[+-]?\d*$/.test(text)) return undefined;
  return (text.startsWith('-') ? -1 : 1) * Number(text.replace(/^[+-]/, ''));
}

function offsetReader(element: string): Reader {
  const pattern = element.slice(1);
  const separator = pattern.includes(':') ? ':' : '';
  const length = element.length;
  return (fields, text) => {
    if (element.startsWith('Z') && text.startsWith('Z')) {
      fields.isUtc = true;
      return 1;
    }
    const found = text.slice(0, length);
    if (found.length < length || (separator === ':' && [3, 6].some((at) => at < length && found.charAt(at) !== ':')))
      return undefined;
    const parts = found.slice(1).match(separator === ':' ? /[^:]{2}/g : /../gs) ?? [];
    const bad = parts.findIndex((part) => !/^\d{2}$/.test(part));
    const numbers = parts.slice(0, bad < 0 ? parts.length : bad).map(Number);
    const beyond = OFFSET_PARTS.findLast(([, most], index) => (numbers[index] ?? 0) > most);
    if (beyond !== undefined) return { outOfRange: `time zone offset ${beyond[0]}` };
    if (bad >= 0 || !/^[+-]/.test(found)) return undefined;
    const [hours = 0, minutes = 0, seconds = 0] = numbers;
    fields.offsetSeconds = (found.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
    return length;
  };
}

/** Some write offsets of 24 hours, of 60 minutes or seconds. */
const OFFSET_PARTS = [
  ['hour', 24],
  ['minute', 60],
  ['second', 60],
] as const;

/** One character for each byte. */
function byteText(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text;
  return Array.from(toBytes(text), (byte) => String.fromCharCode(byte)).join('');
}

function quoteBytes(bytes: string): string {
  const quoted = bytes.replace(/["\\]|[^ -\x7f]/g, (char) =>
    /["\\]/.test(char) ? `\\${char}` : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${quoted}"`;
}

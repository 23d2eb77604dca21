/** Time layouts as in Go's time package: `2006-01-02T15:04:05.999Z07:00` and its named constants. */
import { BuiltinError } from './builtin.ts';
import { toBytes } from './bytes.ts';

export const LAYOUTS: ReadonlyMap<string, string> = new Map([
  ['ANSIC', 'Mon Jan _2 15:04:05 2006'],
  ['UnixDate', 'Mon Jan _2 15:04:05 MST 2006'],
  ['RubyDate', 'Mon Jan 02 15:04:05 -0700 2006'],
  ['RFC822', '02 Jan 06 15:04 MST'],
  ['RFC822Z', '02 Jan 06 15:04 -0700'],
  ['RFC850', 'Monday, 02-Jan-06 15:04:05 MST'],
  ['RFC1123', 'Mon, 02 Jan 2006 15:04:05 MST'],
  ['RFC1123Z', 'Mon, 02 Jan 2006 15:04:05 -0700'],
  ['RFC3339', '2006-01-02T15:04:05Z07:00'],
  ['RFC3339Nano', '2006-01-02T15:04:05.999999999Z07:00'],
]);

/** A moment as clocks of one place show it. */
export interface LocalTime {
  readonly year: number;
  /** 1–12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  readonly offsetSeconds: number;
  readonly zone: string;
}

export const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** Longest alternatives first; `Jan` and `Mon` must not be the start of a longer lower-case word. */
const ELEMENT =
  /January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|__2|_2006|_2|002|01|02|03|04|05|06|15|-07:00:00|-070000|-07:00|-0700|-07|Z07:00:00|Z070000|Z07:00|Z0700|Z07|PM|pm|[.,](?:0+|9+)(?!\d)|1|2|3|4|5/g;

interface Piece {
  readonly text: string;
  readonly element: boolean;
}

function pieces(layout: string): readonly Piece[] {
  const result: Piece[] = [];
  let from = 0;
  for (const match of layout.matchAll(ELEMENT)) {
    if (match.index > from) result.push({ text: layout.slice(from, match.index), element: false });
    from = match.index + match[0].length;
    if (match[0] === '_2006') result.push({ text: '_', element: false }, { text: '2006', element: true });
    else result.push({ text: match[0], element: true });
  }
  if (from < layout.length) result.push({ text: layout.slice(from), element: false });
  return result;
}

export function weekday(time: Pick<LocalTime, 'year' | 'month' | 'day'>): number {
  return new Date(utcMilliseconds(time.year, time.month, time.day)).getUTCDay();
}

/** Days outside the month roll over, as in Go's `time.Date`. */
export function utcMilliseconds(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime();
}

export function formatTime(time: LocalTime, layout: string): string {
  return pieces(layout)
    .map((piece) => (piece.element ? formatElement(time, piece.text) : piece.text))
    .join('');
}

function formatElement(time: LocalTime, element: string): string {
  switch (element) {
    case '2006':
      return digits(time.year, 4);
    case '06':
      return digits(((time.year % 100) + 100) % 100, 2);
    case 'January':
      return MONTHS[time.month - 1] ?? '';
    case 'Jan':
      return (MONTHS[time.month - 1] ?? '').slice(0, 3);
    case '01':
      return digits(time.month, 2);
    case '1':
      return String(time.month);
    case 'Monday':
      return WEEKDAYS[weekday(time)] ?? '';
    case 'Mon':
      return (WEEKDAYS[weekday(time)] ?? '').slice(0, 3);
    case '02':
      return digits(time.day, 2);
    case '_2':
      return String(time.day).padStart(2);
    case '2':
      return String(time.day);
    case '002':
      return digits(dayOfYear(time), 3);
    case '__2':
      return String(dayOfYear(time)).padStart(3);
    case '15':
      return digits(time.hour, 2);
    case '03':
      return digits(time.hour % 12 || 12, 2);
    case '3':
      return String(time.hour % 12 || 12);
    case '04':
      return digits(time.minute, 2);
    case '4':
      return String(time.minute);
    case '05':
      return digits(time.second, 2);
    case '5':
      return String(time.second);
    case 'PM':
      return time.hour >= 12 ? 'PM' : 'AM';
    case 'pm':
      return time.hour >= 12 ? 'pm' : 'am';
    case 'MST':
      return time.zone;
    default:
      return /^[.,]/.test(element) ? fraction(time.nanosecond, element) : offset(time.offsetSeconds, element);
  }
}

function digits(value: number, width: number): string {
  return value < 0 ? `-${String(-value).padStart(width, '0')}` : String(value).padStart(width, '0');
}

function dayOfYear(time: LocalTime): number {
  const day = utcMilliseconds(time.year, time.month, time.day) - utcMilliseconds(time.year, 1, 1);
  return day / 86_400_000 + 1;
}

function fraction(nanosecond: number, element: string): string {
  const text = String(nanosecond)
    .padStart(9, '0')
    .slice(0, element.length - 1);
  const kept = element.charAt(1) === '9' ? text.replace(/0+$/, '') : text;
  return kept === '' ? '' : element.charAt(0) + kept;
}

function offset(seconds: number, element: string): string {
  if (element.startsWith('Z') && seconds === 0) return 'Z';
  const total = Math.abs(seconds);
  const parts = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60].map((part) => digits(part, 2));
  const pattern = element.slice(1);
  const count = pattern.replaceAll(':', '').length / 2;
  return (seconds < 0 ? '-' : '+') + parts.slice(0, count).join(pattern.includes(':') ? ':' : '');
}

interface Parsed {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  offsetSeconds: number;
  afternoon: boolean | undefined;
  dayOfYear: number | undefined;
}

/**
 * Reads `value` as `layout` says.
 * @returns nanoseconds since 1970
 * @throws BuiltinError in Go's words
 */
export function parseTime(layout: string, value: string): bigint {
  const parsed: Parsed = {
    year: 0,
    month: 1,
    day: 1,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    offsetSeconds: 0,
    afternoon: undefined,
    dayOfYear: undefined,
  };
  let rest = value;
  const refuse = (what: string, why = ''): BuiltinError =>
    new BuiltinError(
      why === ''
        ? `parsing time ${quoteTime(value)} as ${quoteTime(layout)}: cannot parse ${quoteTime(rest)} as ${quoteTime(what)}`
        : `parsing time ${quoteTime(value)}${why}`,
    );
  const list = pieces(layout);
  for (const [index, piece] of list.entries()) {
    if (!piece.element) {
      if (!rest.startsWith(piece.text)) throw refuse(piece.text);
      rest = rest.slice(piece.text.length);
      continue;
    }
    const length = parseElement(parsed, piece.text, rest);
    if (length === undefined) throw refuse(piece.text);
    if (length === 'range') throw refuse('', `: ${rangeName(piece.text)} out of range`);
    rest = rest.slice(length);
    // A fraction may follow the seconds although the layout has none.
    const next = list[index + 1];
    if ((piece.text === '05' || piece.text === '5') && !(next?.element === true && /^[.,]/.test(next.text))) {
      const tail = /^[.,](\d+)/.exec(rest);
      if (tail !== null) {
        parsed.nanosecond = Number((tail[1] ?? '').padEnd(9, '0').slice(0, 9));
        rest = rest.slice(tail[0].length);
      }
    }
  }
  if (rest !== '') throw refuse('', `: extra text: ${quoteTime(rest)}`);
  if (parsed.dayOfYear !== undefined) [parsed.month, parsed.day] = [1, parsed.dayOfYear];
  else if (parsed.day < 1 || parsed.day > daysIn(parsed.year, parsed.month)) throw refuse('', ': day out of range');
  if (parsed.afternoon === true && parsed.hour < 12) parsed.hour += 12;
  if (parsed.afternoon === false && parsed.hour === 12) parsed.hour = 0;
  const seconds =
    utcMilliseconds(parsed.year, parsed.month, parsed.day) / 1000 +
    parsed.hour * 3600 +
    parsed.minute * 60 +
    parsed.second -
    parsed.offsetSeconds;
  return BigInt(seconds) * 1_000_000_000n + BigInt(parsed.nanosecond);
}

/** As the time package quotes in its errors: everything but printable ASCII byte by byte. */
export function quoteTime(text: string): string {
  const quoted = Array.from(toBytes(text), (byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    return byte >= 0x20 && byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return `"${quoted.join('')}"`;
}

function rangeName(element: string): string {
  if (/^(01|1|Jan|January)$/.test(element)) return 'month';
  if (/^(15|03|3)$/.test(element)) return 'hour';
  if (/^(04|4)$/.test(element)) return 'minute';
  return /^(05|5)$/.test(element) ? 'second' : 'time zone offset';
}

export function daysIn(year: number, month: number): number {
  return new Date(utcMilliseconds(year, month + 1, 0)).getUTCDate();
}

type Length = number | undefined | 'range';

/** @returns how many characters the element took */
function parseElement(parsed: Parsed, element: string, text: string): Length {
  const numeric = NUMERIC[element];
  if (numeric !== undefined) {
    const match = numeric.pattern.exec(text);
    if (match === null) return undefined;
    const value = Number(match[0].trim());
    if (value < numeric.min || value > numeric.max) return 'range';
    numeric.set(parsed, value);
    return match[0].length;
  }
  switch (element) {
    case 'January':
    case 'Jan':
      return parseName(MONTHS, element === 'Jan', text, (index) => {
        parsed.month = index + 1;
      });
    case 'Monday':
    case 'Mon':
      return parseName(WEEKDAYS, element === 'Mon', text, () => undefined);
    case 'PM':
    case 'pm': {
      const match = (element === 'PM' ? /^[AP]M/ : /^[ap]m/).exec(text);
      if (match === null) return undefined;
      parsed.afternoon = match[0].toLowerCase() === 'pm';
      return 2;
    }
    case 'MST':
      return /^(?:[A-Z]{3,5}(?:[+-]\d{1,2})?|[+-]\d{2})/.exec(text)?.[0].length;
    default:
      return /^[.,]/.test(element) ? parseFraction(parsed, element, text) : parseOffset(parsed, element, text);
  }
}

interface Numeric {
  readonly pattern: RegExp;
  readonly min: number;
  readonly max: number;
  readonly set: (parsed: Parsed, value: number) => void;
}

function field(
  name: 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second',
  pattern: RegExp,
  min: number,
  max: number,
): Numeric {
  return {
    pattern,
    min,
    max,
    set: (parsed, value) => {
      parsed[name] = value;
    },
  };
}

const TWO = /^\d{2}/;
const ONE_OR_TWO = /^\d{1,2}/;
const NUMERIC: Readonly<Record<string, Numeric>> = {
  2006: field('year', /^\d{4}/, 0, 9999),
  '06': {
    pattern: TWO,
    min: 0,
    max: 99,
    set: (parsed, value) => {
      parsed.year = value >= 69 ? 1900 + value : 2000 + value;
    },
  },
  '01': field('month', TWO, 1, 12),
  1: field('month', ONE_OR_TWO, 1, 12),
  // Whether the day exists is asked when the month is known.
  '02': field('day', TWO, 0, 99),
  _2: field('day', /^ ?\d{1,2}/, 0, 99),
  2: field('day', ONE_OR_TWO, 0, 99),
  '002': {
    pattern: /^\d{3}/,
    min: 1,
    max: 366,
    set: (parsed, value) => {
      parsed.dayOfYear = value;
    },
  },
  15: field('hour', ONE_OR_TWO, 0, 23),
  '03': field('hour', TWO, 0, 12),
  3: field('hour', ONE_OR_TWO, 0, 12),
  '04': field('minute', TWO, 0, 59),
  4: field('minute', ONE_OR_TWO, 0, 59),
  '05': field('second', TWO, 0, 59),
  5: field('second', ONE_OR_TWO, 0, 59),
};

function parseName(names: readonly string[], short: boolean, text: string, found: (index: number) => void): Length {
  const candidates = short ? names.map((name) => name.slice(0, 3)) : names;
  const index = candidates.findIndex((name) => text.slice(0, name.length).toLowerCase() === name.toLowerCase());
  if (index < 0) return undefined;
  found(index);
  return candidates[index]?.length;
}

function parseFraction(parsed: Parsed, element: string, text: string): Length {
  const match = /^[.,]\d+/.exec(text);
  if (element.charAt(1) === '9' && match === null) return 0;
  if (match === null || (element.charAt(1) === '0' && match[0].length !== element.length)) return undefined;
  parsed.nanosecond = Number(match[0].slice(1).padEnd(9, '0').slice(0, 9));
  return match[0].length;
}

function parseOffset(parsed: Parsed, element: string, text: string): Length {
  if (element.startsWith('Z') && text.startsWith('Z')) return 1;
  const pattern = element.slice(1);
  const separator = pattern.includes(':') ? ':' : '';
  const count = pattern.replaceAll(':', '').length / 2;
  const match = new RegExp(`^([+-])${Array.from({ length: count }, () => '(\\d{2})').join(separator)}`).exec(text);
  if (match === null) return undefined;
  const [hours = 0, minutes = 0, seconds = 0] = match.slice(2).map(Number);
  if (hours > 24 || minutes > 60 || seconds > 60) return 'range';
  parsed.offsetSeconds = (match[1] === '-' ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
  return match[0].length;
}

/** Time layouts as in Go's time package: `2006-01-02T15:04:05.999Z07:00` and its named constants. */
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
export const MONTHS = [
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
  /** What stands before the element. */
  readonly prefix: string;
  /** Empty at the layout's end. */
  readonly element: string;
}

/** The elements of a layout, each with the text before it; the last one is only such text. */
export function pieces(layout: string): readonly Piece[] {
  const result: Piece[] = [];
  let from = 0;
  for (const { 0: found, index } of layout.matchAll(ELEMENT)) {
    // `_2006` is a line before the year.
    const element = found === '_2006' ? '2006' : found;
    const end = index + found.length;
    result.push({ prefix: layout.slice(from, end - element.length), element });
    from = end;
  }
  return [...result, { prefix: layout.slice(from), element: '' }];
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
    .map(({ prefix, element }) => (element === '' ? prefix : prefix + formatElement(time, element)))
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

export function daysIn(year: number, month: number): number {
  return new Date(utcMilliseconds(year, month + 1, 0)).getUTCDate();
}

/** `time.*`: nanoseconds since 1970 as 64-bit integers, time zones by name. */
import { isNumber, numberFromInteger, toInteger } from '../value/number.ts';
import type { Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { parseDuration } from './go-duration.ts';
import { daysIn, formatTime, LAYOUTS, type LocalTime, utcMilliseconds, WEEKDAYS, weekday } from './go-time.ts';
import { integerOperand, numberOperand, operandTypeError, stringOperand } from './operand.ts';
import { parseTime } from './time-parse.ts';
import { NUMBER, STRING, tuple, union } from './type.ts';
import { zoneName, zoneNameFormats } from './zone-name.ts';

const MOMENT = union(NUMBER, tuple(NUMBER, STRING));
const FORMATTED_MOMENT = union(NUMBER, tuple(NUMBER, STRING), tuple(NUMBER, STRING, STRING));
const NANOSECONDS = 1_000_000_000n;

export const TIME: readonly Builtin[] = [
  {
    name: 'time.now_ns',
    args: [],
    result: NUMBER,
    nondeterministic: true,
    evaluate: (context) => numberFromInteger(context.now),
  },
  {
    name: 'time.parse_ns',
    args: [STRING, STRING],
    result: NUMBER,
    evaluate: (_, layout, value) => {
      const name = stringOperand(layout, 1);
      return inRange(parseTime(LAYOUTS.get(name) ?? name, stringOperand(value, 2)));
    },
  },
  {
    name: 'time.parse_rfc3339_ns',
    args: [STRING],
    result: NUMBER,
    evaluate: (_, value) => inRange(parseTime('2006-01-02T15:04:05Z07:00', stringOperand(value, 1))),
  },
  {
    name: 'time.parse_duration_ns',
    args: [STRING],
    result: NUMBER,
    evaluate: (_, duration) => numberFromInteger(parseDuration(stringOperand(duration, 1))),
  },
  {
    name: 'time.format',
    args: [FORMATTED_MOMENT],
    result: STRING,
    evaluate: (context, moment) => {
      const { local, layout } = momentOperand(context, moment);
      return formatTime(local, LAYOUTS.get(layout) ?? (layout === '' ? '2006-01-02T15:04:05.999999999Z07:00' : layout));
    },
  },
  {
    name: 'time.date',
    args: [MOMENT],
    result: tuple(NUMBER, NUMBER, NUMBER),
    evaluate: (context, moment) => {
      const { local } = momentOperand(context, moment);
      return [local.year, local.month, local.day];
    },
  },
  {
    name: 'time.clock',
    args: [MOMENT],
    result: tuple(NUMBER, NUMBER, NUMBER),
    evaluate: (context, moment) => {
      const { local } = momentOperand(context, moment);
      return [local.hour, local.minute, local.second];
    },
  },
  {
    name: 'time.weekday',
    args: [MOMENT],
    result: STRING,
    evaluate: (context, moment) => WEEKDAYS[weekday(momentOperand(context, moment).local)],
  },
  {
    name: 'time.add_date',
    args: [NUMBER, NUMBER, NUMBER, NUMBER],
    result: NUMBER,
    evaluate: (context, moment, years, months, days) => {
      const { local, zone } = momentOperand(context, moment);
      const [year, month, day] = [integerOperand(years, 2), integerOperand(months, 3), integerOperand(days, 4)];
      return addDate(context, local, zone, { year, month, day });
    },
  },
  {
    name: 'time.diff',
    args: [MOMENT, MOMENT],
    result: tuple(NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER),
    evaluate: (context, a, b) => difference(context, a, b),
  },
];

interface Moment {
  readonly nanoseconds: bigint;
  readonly zone: string;
  readonly layout: string;
  readonly local: LocalTime;
}

function inRange(nanoseconds: bigint): Value {
  if (BigInt.asIntN(64, nanoseconds) !== nanoseconds) throw new BuiltinError('time outside of valid range');
  return numberFromInteger(nanoseconds);
}

/** A number, or an array of a number, a time zone and a layout. */
function momentOperand(context: BuiltinContext, value: Value): Moment {
  const parts = Array.isArray(value) ? (value as readonly Value[]) : [value];
  const [number, zone = '', layout = ''] = parts;
  if (number === undefined || !(Array.isArray(value) || isNumber(value))) {
    throw operandTypeError(1, value, 'either number (ns) or [number (ns), string (tz)]');
  }
  const timestamp = numberOperand(number, 1);
  const names = { zone: stringOperand(zone, 1), layout: stringOperand(layout, 1) };
  const nanoseconds = toInteger(timestamp);
  zoneAt(context, 0, names.zone);
  if (nanoseconds === undefined || BigInt.asIntN(64, nanoseconds) !== nanoseconds) {
    throw new BuiltinError('timestamp too big');
  }
  return { nanoseconds, ...names, local: localTime(context, nanoseconds, names.zone) };
}

function localTime(context: BuiltinContext, nanoseconds: bigint, zone: string): LocalTime {
  const nanosecond = ((nanoseconds % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  const seconds = Number((nanoseconds - nanosecond) / NANOSECONDS);
  const { offsetSeconds, name } = zoneAt(context, seconds, zone);
  const date = new Date((seconds + offsetSeconds) * 1000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    nanosecond: Number(nanosecond),
    offsetSeconds,
    zone: name,
  };
}

function zoneAt(context: BuiltinContext, seconds: number, zone: string): { offsetSeconds: number; name: string } {
  if (zone === '' || zone === 'UTC') return { offsetSeconds: 0, name: 'UTC' };
  const formats = zoneFormats(context, zone);
  const fields = new Map(formats.clock.formatToParts(seconds * 1000).map(({ type, value }) => [type, Number(value)]));
  const year = fields.get('year') ?? 0;
  const midnight = utcMilliseconds(year, fields.get('month') ?? 1, fields.get('day') ?? 1) / 1000;
  const clock = (fields.get('hour') ?? 0) * 3600 + (fields.get('minute') ?? 0) * 60 + (fields.get('second') ?? 0);
  const offsetSeconds = midnight + clock - seconds;
  return { offsetSeconds, name: zoneName(zone, formats.names, seconds * 1000) ?? offsetName(offsetSeconds) };
}

/** Zones without an abbreviation are shown as Go shows them: `+03`, `+0530`. */
function offsetName(seconds: number): string {
  const minutes = Math.floor(Math.abs(seconds) / 60);
  const hours = String(Math.floor(minutes / 60)).padStart(2, '0');
  return `${seconds < 0 ? '-' : '+'}${hours}${minutes % 60 === 0 ? '' : String(minutes % 60).padStart(2, '0')}`;
}

/** Go's names are files: letters in another case name nothing. */
function isNamed(zone: string, resolved: string): boolean {
  return /[A-Z]/.test(zone) && (zone === resolved || zone.toLowerCase() !== resolved.toLowerCase());
}

interface ZoneFormats {
  readonly clock: Intl.DateTimeFormat;
  readonly names: readonly Intl.DateTimeFormat[];
}

function zoneFormats(context: BuiltinContext, zone: string): ZoneFormats {
  return context.patterns.get(`zone ${zone}`, () => {
    if (zone.includes('..') || /^[/\\]/.test(zone)) throw new BuiltinError('time: invalid location name');
    try {
      const timeZone = zone === 'Local' ? 'UTC' : zone;
      const clock = new Intl.DateTimeFormat('en-US', {
        timeZone,
        calendar: 'gregory',
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      });
      if (isNamed(zone, clock.resolvedOptions().timeZone)) return { clock, names: zoneNameFormats(timeZone) };
    } catch {
      // Not known to the platform either.
    }
    throw new BuiltinError(`unknown time zone ${zone}`);
  });
}

function addDate(
  context: BuiltinContext,
  local: LocalTime,
  zone: string,
  by: { year: number; month: number; day: number },
): Value {
  // Months first, then days, so that October 32 becomes November 1.
  const months = local.year * 12 + local.month - 1 + by.year * 12 + by.month;
  const midnight = utcMilliseconds(Math.floor(months / 12), (((months % 12) + 12) % 12) + 1, local.day + by.day) / 1000;
  if (!Number.isFinite(midnight)) throw new BuiltinError('time outside of valid range');
  const clock = midnight + local.hour * 3600 + local.minute * 60 + local.second;
  const seconds = clock - zoneAt(context, clock - local.offsetSeconds, zone).offsetSeconds;
  return inRange(BigInt(seconds) * NANOSECONDS + BigInt(local.nanosecond));
}

/** Calendar difference: years, months, days, hours, minutes, seconds; never negative. */
function difference(context: BuiltinContext, a: Value, b: Value): Value {
  const one = momentOperand(context, a);
  const two = momentOperand(context, b);
  const other = localTime(context, two.nanoseconds, one.zone);
  const [from, to] = one.nanoseconds > two.nanoseconds ? [other, one.local] : [one.local, other];
  const parts = [
    to.year - from.year,
    to.month - from.month,
    to.day - from.day,
    to.hour - from.hour,
    to.minute - from.minute,
    to.second - from.second,
  ];
  const sizes = [0, 12, daysIn(from.year, from.month), 24, 60, 60];
  for (let index = parts.length - 1; index > 0; index -= 1) {
    const value = parts[index] ?? 0;
    if (value >= 0) continue;
    parts[index] = value + (sizes[index] ?? 0);
    parts[index - 1] = (parts[index - 1] ?? 0) - 1;
  }
  return parts;
}

/**
 * Abbreviations of time zones as the tz database has them. JavaScript knows each only in the locales where people
 * use it, and some not at all; those are listed here.
 */
const LOCALES = ['en-US', 'en-GB', 'en-CA', 'en-AU', 'en-IN', 'en-NZ', 'en-ZA'];

/** Standard and daylight saving name, or one name; null where the tz database has no letters. */
type Abbreviation = readonly [standard: string, daylight: string] | string | null;
const NAMES: ReadonlyMap<string, Abbreviation> = new Map<string, Abbreviation>([
  ...each(['America/Adak', 'America/Atka', 'US/Aleutian'], ['HST', 'HDT']),
  ...each(['America/Dawson', 'America/Hermosillo', 'America/Mazatlan', 'America/Whitehorse'], 'MST'),
  ...each(['America/Havana', 'Cuba'], ['CST', 'CDT']),
  ...each(['Asia/Shanghai', 'Asia/Chongqing', 'Asia/Chungking', 'Asia/Harbin', 'Asia/Macau', 'Asia/Macao'], 'CST'),
  ...each(['Asia/Taipei', 'PRC', 'ROC'], 'CST'),
  ...each(['Asia/Jakarta', 'Asia/Pontianak'], 'WIB'),
  ...each(['Asia/Makassar', 'Asia/Ujung_Pandang'], 'WITA'),
  ...each(['Asia/Jerusalem', 'Asia/Tel_Aviv', 'Israel'], ['IST', 'IDT']),
  ...each(['Europe/Dublin', 'Eire'], ['GMT', 'IST']),
  ...each(['Europe/Guernsey', 'Europe/Isle_of_Man', 'Europe/Jersey'], ['GMT', 'BST']),
  ...each(['Europe/Kirov', 'Europe/Moscow', 'Europe/Simferopol', 'W-SU', 'Europe/Volgograd'], 'MSK'),
  ...each(['Asia/Pyongyang', 'Asia/Seoul', 'ROK'], 'KST'),
  ...each(['Asia/Tokyo', 'Japan'], 'JST'),
  ...each(['Pacific/Guam', 'Pacific/Saipan'], 'ChST'),
  ...each(['Pacific/Midway', 'Pacific/Pago_Pago', 'Pacific/Samoa', 'US/Samoa'], 'SST'),
  ...each(['Etc/GMT', 'GMT', 'GMT+0', 'GMT-0', 'GMT0', 'Greenwich', 'Etc/Greenwich'], 'GMT'),
  ['Asia/Jayapura', 'WIT'],
  ['Asia/Karachi', 'PKT'],
  ['Asia/Manila', 'PST'],
  ['MET', ['MET', 'MEST']],
  ...each(
    ['America/Miquelon', 'Antarctica/Casey', 'Antarctica/Troll', 'Asia/Colombo', 'Asia/Dubai', 'Asia/Muscat'],
    null,
  ),
  ...each(['Australia/Eucla', 'Australia/LHI', 'Australia/Lord_Howe', 'NZ-CHAT', 'Pacific/Chatham'], null),
]);

function each(zones: readonly string[], name: Abbreviation): (readonly [string, Abbreviation])[] {
  return zones.map((zone) => [zone, name]);
}

export function zoneNameFormats(timeZone: string): readonly Intl.DateTimeFormat[] {
  return LOCALES.map((locale) => new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: 'short' }));
}

/** @returns undefined for a zone that is called by its offset */
export function zoneName(
  zone: string,
  formats: readonly Intl.DateTimeFormat[],
  milliseconds: number,
): string | undefined {
  const listed = NAMES.get(zone);
  if (listed === null) return undefined;
  if (typeof listed === 'string') return listed;
  if (listed !== undefined) return isDaylight(formats, milliseconds) ? listed[1] : listed[0];
  return lettersAt(formats, milliseconds) ?? lettersOfToday(formats, milliseconds);
}

function lettersAt(formats: readonly Intl.DateTimeFormat[], milliseconds: number): string | undefined {
  const names = formats.map((format) => partOf(format, milliseconds));
  return names.find((name) => /^[A-Z]{3,5}$/.test(name));
}

const WINTER = Date.UTC(2026, 0, 1);
const SUMMER = Date.UTC(2026, 6, 1);

/** Before 1970 JavaScript knows no letters: then those that go with the same offset today. */
function lettersOfToday(formats: readonly Intl.DateTimeFormat[], milliseconds: number): string | undefined {
  const [format] = formats;
  if (format === undefined || milliseconds >= 0) return undefined;
  const offset = offsetAt(format, milliseconds);
  const today = [WINTER, SUMMER].find((at) => offsetAt(format, at) === offset);
  return today === undefined ? undefined : lettersAt(formats, today);
}

function partOf(format: Intl.DateTimeFormat, milliseconds: number): string {
  return format.formatToParts(milliseconds).find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

const HALF_A_YEAR = 182 * 86_400_000;

/** The clock is ahead of what it is half a year away. */
function isDaylight([format]: readonly Intl.DateTimeFormat[], milliseconds: number): boolean {
  if (format === undefined) return false;
  return offsetAt(format, milliseconds) > offsetAt(format, milliseconds - HALF_A_YEAR);
}

/** Minutes ahead of UTC, from `GMT+05:30`. */
function offsetAt(format: Intl.DateTimeFormat, milliseconds: number): number {
  const { timeZone } = format.resolvedOptions();
  const offset = partOf(new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' }), milliseconds);
  const match = /([+-])(\d{2}):(\d{2})/.exec(offset);
  if (match === null) return 0;
  return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]));
}

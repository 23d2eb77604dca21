/** Durations as Go writes them, `1h15m30.918s`, and OPA's days, weeks and years. */
import { BuiltinError } from './builtin.ts';
import { formatFloat } from './go-float.ts';
import { quote } from './text.ts';
import { quoteTime } from './time-parse.ts';

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);
const HOURS: ReadonlyMap<string, number> = new Map([
  ['d', 24],
  ['w', 7 * 24],
  ['y', 365 * 24],
]);
const LIMIT = 1n << 63n;
const DIGITS = String(LIMIT).length;

/** @returns nanoseconds; @throws BuiltinError */
export function parseDuration(text: string): bigint {
  if (!/[dwy]/.test(text)) return parseGo(text, (why) => new BuiltinError(`time: ${why} ${quoteTime(text)}`));
  return parseGo(inHours(text), (why) => new BuiltinError(`time: ${why} ${quote(text)}`));
}

/** Days, weeks and years as hours. */
function inHours(text: string): string {
  const invalid = new BuiltinError(`time: invalid duration ${quote(text)}`);
  if (!/^[+-]?(?:[\d.]+(?:ms|us|\u00b5s|ns|[a-z]))+$/.test(text)) throw invalid;
  return text.replace(/([\d.]+)([dwy])/g, (_, digits: string, unit: string) => {
    const amount = /^(?:\d+\.?\d*|\.\d+)$/.test(digits) ? Number(digits) : Number.NaN;
    if (!Number.isFinite(amount)) throw invalid;
    return `${formatFloat(amount * (HOURS.get(unit) ?? 0), 'f')}h`;
  });
}

function parseGo(text: string, refuse: (why: string) => BuiltinError): bigint {
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  let rest = text.slice(sign.length);
  if (rest === '0') return 0n;
  const invalid = refuse('invalid duration');
  if (rest === '') throw invalid;
  let total = 0n;
  while (rest !== '') {
    const [amount = '', whole = '', decimals = ''] = /^(\d*)(?:\.(\d*))?/.exec(rest) ?? [];
    if (whole === '' && decimals === '') throw invalid;
    const unit = /^[^.\d]*/.exec(rest.slice(amount.length))?.[0] ?? '';
    if (whole.replace(/^0+/, '').length > DIGITS || BigInt(whole) > LIMIT) throw invalid;
    if (unit === '') throw refuse('missing unit in duration');
    const size = UNITS.get(unit);
    if (size === undefined) throw refuse(`unknown unit ${quoteTime(unit)} in duration`);
    total += BigInt(whole) * size + fraction(decimals, size);
    if (total > LIMIT) throw invalid;
    rest = rest.slice(amount.length + unit.length);
  }
  if (sign !== '-' && total === LIMIT) throw invalid;
  return sign === '-' ? -total : total;
}

/** Calculated with doubles, as Go does; digits that no longer fit into 63 bits are left out. */
function fraction(decimals: string, size: bigint): bigint {
  let [value, scale] = [0n, 1];
  for (const digit of decimals) {
    const next = value * 10n + BigInt(digit);
    if (value > (LIMIT - 1n) / 10n || next > LIMIT) break;
    [value, scale] = [next, scale * 10];
  }
  return BigInt(Math.trunc(Number(value) * (Number(size) / scale)));
}

/** Doubles as Go's strconv writes them: `%e`, `%f` and `%g`, exact digits, ties to even. */
import { positional, scientific } from '../value/big-float.ts';

/** @param precision digits after the point (`e`, `f`) or in all (`g`); undefined for the shortest that reads back the same */
export function formatFloat(value: number, verb: 'e' | 'f' | 'g', precision?: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  return sign + formatMagnitude(Math.abs(value), verb, precision);
}

/** Mantissa and binary exponent in decimal: `4503599627370496p-52` is 1. */
export function formatBinaryFloat(value: number): string {
  if (!Number.isFinite(value)) return formatFloat(value, 'g');
  const [mantissa, exponent] = decompose(Math.abs(value));
  return `${value < 0 || Object.is(value, -0) ? '-' : ''}${mantissa}p${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
}

/** `0x1.8p+00` is 1.5. @param precision hexadecimal digits after the point; undefined for all there are */
export function formatHexFloat(value: number, precision?: number): string {
  if (!Number.isFinite(value)) return formatFloat(value, 'g');
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [mantissa, exponent] = decompose(Math.abs(value));
  const bits = mantissa.toString(2);
  const all = value === 0 ? 0n : BigInt(`0b${bits.padEnd(FRACTION_BITS + 1, '0')}`);
  const dropped = precision === undefined ? 0 : Math.max(0, FRACTION_BITS - 4 * precision);
  const rounded = roundBits(all, dropped).toString(16);
  const carried = rounded.startsWith('2');
  const fraction = carried ? '' : rounded.slice(1).padEnd((FRACTION_BITS - dropped) / 4, '0');
  const digits = precision === undefined ? fraction.replace(/0+$/, '') : fraction.padEnd(precision, '0');
  const power = value === 0 ? 0 : exponent + bits.length - 1 + (carried ? 1 : 0);
  const magnitude = String(Math.abs(power)).padStart(2, '0');
  return `${sign}0x${value === 0 ? 0 : 1}${digits === '' ? '' : `.${digits}`}p${power < 0 ? '-' : '+'}${magnitude}`;
}

const FRACTION_BITS = 52;

/** Without its last bits; ties to even. */
function roundBits(value: bigint, dropped: number): bigint {
  if (dropped === 0) return value;
  const [kept, rest, half] = [value >> BigInt(dropped), BigInt.asUintN(dropped, value), 1n << BigInt(dropped - 1)];
  return rest > half || (rest === half && (kept & 1n) === 1n) ? kept + 1n : kept;
}

interface Digits {
  /** Significant digits, without leading zeros; empty for zero. */
  readonly digits: string;
  /** The value is 0.digits × 10^point. */
  readonly point: number;
}

function formatMagnitude(value: number, verb: 'e' | 'f' | 'g', precision: number | undefined): string {
  const exact = precision === undefined ? shortest(value) : exactDigits(value);
  if (verb === 'e') {
    const count = precision === undefined ? Math.max(1, exact.digits.length) : precision + 1;
    return exponential(roundTo(exact, count), count);
  }
  if (verb === 'f') {
    const fraction = precision ?? Math.max(0, exact.digits.length - exact.point);
    return fixed(roundTo(exact, exact.point + fraction), fraction);
  }
  const count = precision === undefined ? exact.digits.length : Math.max(1, precision);
  const rounded = roundTo(exact, count);
  const threshold =
    precision === undefined
      ? 6
      : count > rounded.digits.length && rounded.digits.length >= rounded.point
        ? rounded.digits.length
        : count;
  const exponent = rounded.digits === '' ? 0 : rounded.point - 1;
  if (exponent < -4 || exponent >= Math.max(threshold, rounded.digits === '' ? 1 : 0)) {
    return exponential(rounded, Math.max(1, rounded.digits.length));
  }
  return fixed(rounded, Math.max(0, rounded.digits.length - rounded.point));
}

function exponential(value: Digits, count: number): string {
  const exponent = value.digits === '' ? 0 : value.point - 1;
  return scientific(value.digits.padEnd(count, '0'), exponent);
}

function fixed(value: Digits, fraction: number): string {
  if (value.digits === '') return fraction === 0 ? '0' : `0.${'0'.repeat(fraction)}`;
  const text = positional(value.digits, value.point);
  if (fraction === 0) return text;
  const [whole = '', decimals = ''] = text.split('.');
  return `${whole}.${decimals.padEnd(fraction, '0')}`;
}

function shortest(value: number): Digits {
  if (value === 0) return { digits: '', point: 0 };
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  return { digits: mantissa.replace('.', '').replace(/0+$/, ''), point: Number(exponent) + 1 };
}

function exactDigits(value: number): Digits {
  if (value === 0) return { digits: '', point: 0 };
  const [mantissa, exponent] = decompose(value);
  const text = exponent >= 0 ? String(mantissa << BigInt(exponent)) : String(mantissa * 5n ** BigInt(-exponent));
  return { digits: text.replace(/0+$/, ''), point: text.length + Math.min(0, exponent) };
}

function decompose(value: number): [mantissa: bigint, exponent: number] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  return biased === 0 ? [fraction, -1074] : [fraction | (1n << 52n), biased - 1075];
}

function roundTo(value: Digits, count: number): Digits {
  const { digits, point } = value;
  if (count >= digits.length) return value;
  if (count < 0) return { digits: '', point: 0 };
  const kept = digits.slice(0, count);
  if (!roundsUp(digits, count)) return normalized(kept, point);
  const raised = String(BigInt(kept === '' ? '0' : kept) + 1n).padStart(count, '0');
  return normalized(raised, point + raised.length - count);
}

function roundsUp(digits: string, at: number): boolean {
  const next = digits.charCodeAt(at) - 48;
  if (next === 5 && at + 1 === digits.length) return at > 0 && (digits.charCodeAt(at - 1) - 48) % 2 === 1;
  return next >= 5;
}

function normalized(digits: string, point: number): Digits {
  const trimmed = digits.replace(/0+$/, '');
  return trimmed === '' ? { digits: '', point: 0 } : { digits: trimmed, point };
}

/**
 * Binary floating point with an arbitrary precision, by default the 64-bit mantissa in which OPA does its
 * non-integer arithmetic (Go's `big.Float`), rounding to nearest, ties to even; and its shortest decimal text.
 */
import type { Decimal } from './decimal.ts';

/** (−1)^negative × mantissa × 2^exponent, the mantissa having at most `precision` bits. */
export interface BigFloat {
  readonly negative: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
  readonly precision: number;
}

export const PRECISION = 64;

export function floatFromDecimal(value: Decimal): BigFloat {
  const { negative, coefficient, exponent } = value;
  if (coefficient === 0n) return { negative, mantissa: 0n, exponent: 0, precision: PRECISION };
  // 10^n = 5^n × 2^n; OPA rounds 5^n to 128 bits, which also bounds the cost of a large n.
  const power = powerOfFive(Math.abs(exponent));
  if (exponent >= 0) {
    return round(negative, coefficient * power.mantissa, power.exponent + exponent, PRECISION);
  }
  return quotient(negative, { mantissa: coefficient, exponent }, power);
}

export function floatFromInteger(value: bigint): BigFloat {
  const mantissa = value < 0n ? -value : value;
  return { negative: value < 0n, mantissa, exponent: 0, precision: Math.max(PRECISION, bitLength(mantissa)) };
}

export function addFloats(a: BigFloat, b: BigFloat): BigFloat {
  const precision = Math.max(a.precision, b.precision);
  const gap = Math.abs(a.exponent - b.exponent);
  if (gap > 4 * precision && a.mantissa !== 0n && b.mantissa !== 0n) {
    // The smaller operand is far below half a unit in the last place of the larger one.
    return a.exponent > b.exponent ? a : b;
  }
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = align(a, exponent) + align(b, exponent);
  const negative = sum === 0n ? a.negative && b.negative : sum < 0n;
  return round(negative, sum < 0n ? -sum : sum, exponent, precision);
}

export function negateFloat(a: BigFloat): BigFloat {
  return { ...a, negative: !a.negative };
}

export function multiplyFloats(a: BigFloat, b: BigFloat, precision = Math.max(a.precision, b.precision)): BigFloat {
  return round(a.negative !== b.negative, a.mantissa * b.mantissa, a.exponent + b.exponent, precision);
}

/** The divisor must not be zero. */
export function divideFloats(a: BigFloat, b: BigFloat): BigFloat {
  const negative = a.negative !== b.negative;
  if (a.mantissa === 0n) return { negative, mantissa: 0n, exponent: 0, precision: PRECISION };
  return quotient(negative, a, b);
}

/** Towards zero. */
export function truncateFloat(a: BigFloat): bigint {
  const magnitude = a.exponent >= 0 ? a.mantissa << BigInt(a.exponent) : a.mantissa >> BigInt(-a.exponent);
  return a.negative ? -magnitude : magnitude;
}

export function isIntegralFloat(a: BigFloat): boolean {
  return a.exponent >= 0 || a.mantissa === 0n || (a.mantissa & ((1n << BigInt(-a.exponent)) - 1n)) === 0n;
}

/** The nearest double, give or take one unit in the last place. */
export function approximateFloat(a: BigFloat): number {
  const magnitude = Number(a.mantissa) * 2 ** a.exponent;
  return a.negative ? -magnitude : magnitude;
}

/** Shortest text that reads back as the same float: `%f` for integers, otherwise `%g`, as OPA writes results. */
export function floatText(a: BigFloat): string {
  const sign = a.negative ? '-' : '';
  if (a.mantissa === 0n) return `${sign}0`;
  const { digits, point } = shortestDigits(a);
  if (isIntegralFloat(a)) return sign + digits.padEnd(point, '0');
  if (point - 1 < -4 || point - 1 >= 6) return sign + scientific(digits, point - 1);
  return sign + positional(digits, point);
}

/** `digits` with the decimal point after `point` of them (which may be negative or beyond the end). */
export function positional(digits: string, point: number): string {
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return digits.padEnd(point, '0');
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}

export function scientific(digits: string, exponent: number): string {
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  const magnitude = String(Math.abs(exponent)).padStart(2, '0');
  return `${digits.slice(0, 1)}${fraction}e${exponent < 0 ? '-' : '+'}${magnitude}`;
}

/** Digits d1d2… and the position of the point so that the value is 0.d1d2… × 10^point. */
function shortestDigits(a: BigFloat): { digits: string; point: number } {
  const length = bitLength(a.mantissa);
  const shift = a.precision + 1 - length;
  // One extra bit, so that ±1 is half a unit in the last place.
  const scaled = a.mantissa << BigInt(shift);
  const exponent = a.exponent - shift;
  const exact = decimalDigits(scaled, exponent);
  const lower = decimalDigits(scaled - 1n, exponent, exact.point);
  const upper = decimalDigits(scaled + 1n, exponent, exact.point);
  const inclusive = (scaled & 2n) === 0n;
  for (let index = 0; index < exact.digits.length; index += 1) {
    const low = lower.digits.charCodeAt(index) || 48;
    const digit = exact.digits.charCodeAt(index);
    const high = upper.digits.charCodeAt(index) || 48;
    const mayTruncate = low !== digit || (inclusive && index + 1 === lower.digits.length);
    const mayRoundUp = digit !== high && (inclusive || digit + 1 < high || index + 1 < upper.digits.length);
    if (!mayTruncate && !mayRoundUp) continue;
    const up = mayTruncate && mayRoundUp ? roundsUp(exact.digits, index + 1) : mayRoundUp;
    return cut(exact, index + 1, up);
  }
  return exact;
}

function roundsUp(digits: string, at: number): boolean {
  if (at >= digits.length) return false;
  if (digits.charCodeAt(at) === 53 && at + 1 === digits.length)
    return at > 0 && (digits.charCodeAt(at - 1) - 48) % 2 === 1;
  return digits.charCodeAt(at) >= 53;
}

function cut(exact: { digits: string; point: number }, count: number, up: boolean): { digits: string; point: number } {
  const head = exact.digits.slice(0, count);
  const raised = up ? String(BigInt(head) + 1n).padStart(head.length, '0') : head;
  const digits = raised.replace(/0+$/, '');
  return { digits, point: exact.point + raised.length - head.length };
}

function decimalDigits(mantissa: bigint, exponent: number, align?: number): { digits: string; point: number } {
  const text = exponent >= 0 ? String(mantissa << BigInt(exponent)) : String(mantissa * 5n ** BigInt(-exponent));
  const point = exponent >= 0 ? text.length : text.length + exponent;
  // Bounds are aligned to the point of the exact value, so that their digits can be compared by index.
  const padded = align === undefined ? text : text.padStart(text.length + align - point, '0');
  return { digits: padded.replace(/0+$/, ''), point: align ?? point };
}

function quotient(
  negative: boolean,
  a: { mantissa: bigint; exponent: number },
  b: { mantissa: bigint; exponent: number },
): BigFloat {
  const shift = Math.max(0, PRECISION + 2 + bitLength(b.mantissa) - bitLength(a.mantissa));
  const numerator = a.mantissa << BigInt(shift);
  const whole = numerator / b.mantissa;
  // A remainder becomes a sticky bit below everything that rounding looks at.
  const sticky = whole * b.mantissa === numerator ? 0n : 1n;
  return round(negative, (whole << 1n) | sticky, a.exponent - b.exponent - shift - 1, PRECISION);
}

function round(negative: boolean, mantissa: bigint, exponent: number, precision: number): BigFloat {
  const excess = bitLength(mantissa) - precision;
  if (excess <= 0) return { negative, mantissa, exponent, precision };
  const drop = BigInt(excess);
  const kept = mantissa >> drop;
  const rest = mantissa - (kept << drop);
  const half = 1n << (drop - 1n);
  const up = rest > half || (rest === half && (kept & 1n) === 1n);
  return { negative, mantissa: up ? kept + 1n : kept, exponent: exponent + excess, precision };
}

function align(a: BigFloat, exponent: number): bigint {
  const magnitude = a.mantissa << BigInt(a.exponent - exponent);
  return a.negative ? -magnitude : magnitude;
}

function powerOfFive(n: number): BigFloat {
  const precision = 2 * PRECISION;
  let result: BigFloat = { negative: false, mantissa: 5n ** BigInt(Math.min(n, 27)), exponent: 0, precision };
  let rest = Math.max(0, n - 27);
  let square: BigFloat = { negative: false, mantissa: 5n, exponent: 0, precision: precision + PRECISION };
  while (rest > 0) {
    if (rest % 2 === 1) {
      const product = result.mantissa * square.mantissa;
      result = round(false, product, result.exponent + square.exponent, precision);
    }
    square = multiplyFloats(square, square);
    rest = Math.floor(rest / 2);
  }
  return result;
}

export function bitLength(value: bigint): number {
  if (value < 0x20000000000000n) {
    const small = Number(value);
    return small < 0x100000000 ? 32 - Math.clz32(small) : 64 - Math.clz32(Math.floor(small / 0x100000000));
  }
  const hex = value.toString(16);
  return (hex.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(hex.charAt(0), 16)));
}

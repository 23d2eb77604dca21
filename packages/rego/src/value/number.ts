/**
 * Rego's numbers: a JS number n where `String(n)` says exactly the value, otherwise a {@link BigNumber}.
 *
 * Arithmetic answers as OPA does: integers are exact at any size, everything else is rounded to a 64-bit
 * mantissa and written with the shortest decimal text that reads back the same.
 */
import {
  addFloats,
  approximateFloat,
  type BigFloat,
  divideFloats,
  floatFromDecimal,
  floatFromInteger,
  floatText,
  isIntegralFloat,
  multiplyFloats,
  negateFloat,
  truncateFloat,
} from './big-float.ts';
import { compareDecimals, type Decimal, isIntegral, parseDecimal } from './decimal.ts';

/** Numbers of more digits than this are kept, compared and printed; integers among them are no longer exact in arithmetic. */
const MAX_DIGITS = 100_000;
/** Binary exponents beyond this are not calculated with. */
const MAX_BINARY_EXPONENT = 400_000;

/** Arithmetic that has no answer; the texts are OPA's. */
export class ArithmeticError extends Error {
  override readonly name = 'ArithmeticError';
}

/** A number whose value or text a JS number cannot carry. Created by {@link parseNumber} and by arithmetic only. */
export class BigNumber {
  #text: string | undefined;
  #decimal: Decimal | undefined;
  #float: BigFloat | undefined;

  constructor(source: string | BigFloat) {
    if (typeof source === 'string') this.#text = source;
    else this.#float = source;
  }

  /** As written, or as OPA writes the result of a calculation. */
  get text(): string {
    this.#text ??= floatText(this.float);
    return this.#text;
  }

  get decimal(): Decimal {
    this.#decimal ??= decimalOf(this.text);
    return this.#decimal;
  }

  get float(): BigFloat {
    this.#float ??= floatFromDecimal(this.decimal);
    return this.#float;
  }

  /** Within a few units in the last place; ±Infinity when out of range. */
  get approximate(): number {
    return this.#float === undefined ? Number(this.text) : approximateFloat(this.#float);
  }
}

export function isNumber(value: unknown): value is number | BigNumber {
  return typeof value === 'number' || value instanceof BigNumber;
}

/**
 * Reads a JSON number.
 * @throws SyntaxError when the text is none
 */
export function parseNumber(text: string): number | BigNumber {
  const number = Number(text);
  if (String(number) === text && Number.isFinite(number)) return number;
  decimalOf(text);
  return new BigNumber(text);
}

export function numberFromInteger(value: bigint): number | BigNumber {
  if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) return Number(value);
  return parseNumber(String(value));
}

/** The text that OPA's JSON would show. */
export function numberText(value: number | BigNumber): string {
  return typeof value === 'number' ? String(value) : value.text;
}

/** The nearest double. */
export function toDouble(value: number | BigNumber): number {
  return typeof value === 'number' ? value : Number(value.text);
}

/** The value if it is an integer, however it was written (`1.0`, `1e2`). */
export function toInteger(value: number | BigNumber): bigint | undefined {
  if (isSafe(value)) return BigInt(value);
  const decimal = decimalFrom(value);
  if (!isIntegral(decimal) || decimal.digits + decimal.exponent > MAX_DIGITS) return undefined;
  const magnitude = decimal.coefficient * 10n ** BigInt(decimal.exponent);
  return decimal.negative ? -magnitude : magnitude;
}

const ZERO_FRACTION = /^(-?\d{1,17})\.0+$/;
const ZERO_FRACTION_DIGITS = 18;

/**
 * The value, or its nearest double, if its text is that of a 64-bit integer. As OPA reads counts and offsets: `1.0` is
 * one unless it takes more than 18 digits, `1e0` is not.
 */
export function toMachineInteger(value: number | BigNumber): number | undefined {
  if (isSafe(value)) return value;
  const text = numberText(value);
  const whole = ZERO_FRACTION.exec(text)?.[1];
  if (whole !== undefined)
    return text.replace('-', '').length <= ZERO_FRACTION_DIGITS + 1 ? Number(whole) + 0 : undefined;
  if (!/^-?\d{1,19}$/.test(text)) return undefined;
  const integer = BigInt(text);
  return BigInt.asIntN(64, integer) === integer ? Number(text) : undefined;
}

export function compareNumbers(a: number | BigNumber, b: number | BigNumber): number {
  if (typeof a === 'number' && typeof b === 'number') return a === b ? 0 : a < b ? -1 : 1;
  const left = typeof a === 'number' ? a : a.approximate;
  const right = typeof b === 'number' ? b : b.approximate;
  const difference = left - right;
  // Far enough apart for the doubles to tell; NaN (∞ − ∞) falls through.
  if (Math.abs(difference) > 1e-14 * (Math.abs(left) + Math.abs(right))) return difference < 0 ? -1 : 1;
  return compareDecimals(decimalFrom(a), decimalFrom(b));
}

export function add(a: number | BigNumber, b: number | BigNumber): number | BigNumber {
  if (isSafe(a) && isSafe(b)) {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  const integers = integerPair(a, b);
  if (integers !== undefined) return numberFromInteger(integers[0] + integers[1]);
  return numberFromFloat(addFloats(floatFrom(a), floatFrom(b)));
}

export function subtract(a: number | BigNumber, b: number | BigNumber): number | BigNumber {
  if (isSafe(a) && isSafe(b)) {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  const integers = integerPair(a, b);
  if (integers !== undefined) return numberFromInteger(integers[0] - integers[1]);
  return numberFromFloat(addFloats(floatFrom(a), negateFloat(floatFrom(b))));
}

export function multiply(a: number | BigNumber, b: number | BigNumber): number | BigNumber {
  if (isSafe(a) && isSafe(b)) {
    const product = a * b;
    if (Number.isSafeInteger(product)) return product + 0;
  }
  const integers = integerPair(a, b);
  if (integers !== undefined) return numberFromInteger(integers[0] * integers[1]);
  return numberFromFloat(multiplyFloats(floatFrom(a), floatFrom(b)));
}

/** @throws ArithmeticError for a zero divisor */
export function divide(a: number | BigNumber, b: number | BigNumber): number | BigNumber {
  if (isSafe(a) && isSafe(b) && a !== 0 && b !== 0) {
    const quotient = a / b;
    if (Number.isSafeInteger(quotient) && a % b === 0) return quotient;
  }
  const divisor = floatFrom(b);
  if (divisor.mantissa === 0n) throw new ArithmeticError('divide by zero');
  return numberFromFloat(divideFloats(floatFrom(a), divisor));
}

/** The sign follows the dividend. @throws ArithmeticError for a zero divisor or a fraction */
export function remainder(a: number | BigNumber, b: number | BigNumber): number | BigNumber {
  if (isSafe(a) && isSafe(b) && b !== 0) return (a % b) + 0;
  const integers = integerPair(a, b);
  if (integers === undefined) throw new ArithmeticError('modulo on floating-point number');
  if (integers[1] === 0n) throw new ArithmeticError('modulo by zero');
  return numberFromInteger(integers[0] % integers[1]);
}

/** Exact over integers; with a fraction among them every step is rounded. */
export function sum(values: readonly (number | BigNumber)[]): number | BigNumber {
  const integers = allIntegers(values);
  if (integers !== undefined) return numberFromInteger(integers.reduce((total, value) => total + value, 0n));
  return numberFromFloat(values.map(floatFrom).reduce(addFloats, floatFromInteger(0n)));
}

/** Exact over integers; with a fraction among them every step is rounded, in OPA to 53 bits. */
export function product(values: readonly (number | BigNumber)[]): number | BigNumber {
  const integers = allIntegers(values);
  if (integers !== undefined) return numberFromInteger(integers.reduce((total, value) => total * value, 1n));
  return numberFromFloat(
    values.map(floatFrom).reduce((total, value) => multiplyFloats(total, value, 53), floatFromInteger(1n)),
  );
}

export function absolute(value: number | BigNumber): number | BigNumber {
  if (isSafe(value)) return Math.abs(value);
  return numberFromFloat({ ...floatFrom(value), negative: false });
}

/** Towards zero, after rounding to 64 bits. */
export function truncate(value: number | BigNumber): bigint {
  return truncateFloat(floatFrom(value));
}

/** Half away from zero. */
export function round(value: number | BigNumber): number | BigNumber {
  if (isSafe(value)) return value;
  const float = floatFrom(value);
  const half: BigFloat = { negative: float.negative, mantissa: 1n, exponent: -1, precision: 53 };
  return numberFromFloat(floatFromInteger(truncateFloat(addFloats(float, half))));
}

export function ceil(value: number | BigNumber): number | BigNumber {
  return towards(value, 1n);
}

export function floor(value: number | BigNumber): number | BigNumber {
  return towards(value, -1n);
}

function towards(value: number | BigNumber, step: 1n | -1n): number | BigNumber {
  if (isSafe(value)) return value;
  const float = floatFrom(value);
  const truncated = truncateFloat(float);
  // OPA looks at the sign of what is left of the point: its ceil(-0.5) is 1 and its floor(-0.5) is 0.
  const stays = isIntegralFloat(float) || truncated < 0n === step > 0n;
  return numberFromFloat(floatFromInteger(stays ? truncated : truncated + step));
}

/** Where double arithmetic is exact. */
function isSafe(value: number | BigNumber): value is number {
  return Number.isSafeInteger(value);
}

function integerPair(a: number | BigNumber, b: number | BigNumber): [bigint, bigint] | undefined {
  const left = toInteger(a);
  if (left === undefined) return undefined;
  const right = toInteger(b);
  return right === undefined ? undefined : [left, right];
}

function allIntegers(values: readonly (number | BigNumber)[]): readonly bigint[] | undefined {
  const integers: bigint[] = [];
  for (const value of values) {
    const integer = toInteger(value);
    if (integer === undefined) return undefined;
    integers.push(integer);
  }
  return integers;
}

/** A fraction stays a float until somebody asks for its text: a policy mostly compares it and lets it go. */
function numberFromFloat(float: BigFloat): number | BigNumber {
  if (!isIntegralFloat(float)) return new BigNumber(float);
  return parseNumber(floatText(float));
}

function floatFrom(value: number | BigNumber): BigFloat {
  if (isSafe(value)) return floatFromInteger(BigInt(value));
  return value instanceof BigNumber ? boundedFloat(value) : floatFromDecimal(decimalFrom(value));
}

function boundedFloat(value: BigNumber): BigFloat {
  const float = value.float;
  if (Math.abs(float.exponent) > MAX_BINARY_EXPONENT) throw new ArithmeticError('number too big');
  return float;
}

function decimalFrom(value: number | BigNumber): Decimal {
  return typeof value === 'number' ? decimalOf(String(value)) : value.decimal;
}

function decimalOf(text: string): Decimal {
  const decimal = parseDecimal(text);
  if (decimal === undefined) throw new SyntaxError(`not a number: ${text}`);
  return decimal;
}

/**
 * Decimal text as an exact rational: sign, coefficient and a power of ten. Nothing here expands an exponent,
 * so `1e1000000000` costs no more than `1`.
 */
export interface Decimal {
  readonly negative: boolean;
  /** Without trailing decimal zeros; 0 for zero. */
  readonly coefficient: bigint;
  readonly exponent: number;
  /** Number of decimal digits of the coefficient. */
  readonly digits: number;
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** @returns undefined when the text is no decimal number */
export function parseDecimal(text: string): Decimal | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponentText = '0'] = match;
  const digits = stripZeros(whole + fraction);
  if (digits.text === '') return { negative: sign === '-', coefficient: 0n, exponent: 0, digits: 0 };
  const exponent = Number(exponentText) - fraction.length + digits.stripped;
  return { negative: sign === '-', coefficient: BigInt(digits.text), exponent, digits: digits.text.length };
}

export function isIntegral(value: Decimal): boolean {
  return value.coefficient === 0n || value.exponent >= 0;
}

/** Numeric order; −0 and 0 are equal. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const signA = signOf(a);
  const signB = signOf(b);
  if (signA !== signB) return signA < signB ? -1 : 1;
  if (signA === 0) return 0;
  return signA > 0 ? compareMagnitudes(a, b) : compareMagnitudes(b, a);
}

function signOf(value: Decimal): number {
  if (value.coefficient === 0n) return 0;
  return value.negative ? -1 : 1;
}

function compareMagnitudes(a: Decimal, b: Decimal): number {
  const magnitudeA = a.digits + a.exponent;
  const magnitudeB = b.digits + b.exponent;
  if (magnitudeA !== magnitudeB) return magnitudeA < magnitudeB ? -1 : 1;
  // Equal magnitudes: the exponents differ by no more than the number of digits that were written.
  const shift = a.exponent - b.exponent;
  const left = shift > 0 ? a.coefficient * 10n ** BigInt(shift) : a.coefficient;
  const right = shift < 0 ? b.coefficient * 10n ** BigInt(-shift) : b.coefficient;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function stripZeros(digits: string): { text: string; stripped: number } {
  let start = 0;
  while (start < digits.length && digits.charCodeAt(start) === 48) start += 1;
  let end = digits.length;
  while (end > start && digits.charCodeAt(end - 1) === 48) end -= 1;
  return { text: digits.slice(start, end), stripped: digits.length - end };
}

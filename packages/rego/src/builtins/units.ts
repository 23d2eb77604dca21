/** `units.parse` and `units.parse_bytes`: quantities such as `10Ki`, `1.5GB`, `1e3m`. */
import { floatFromDecimal, floatFromInteger, multiplyFloats, truncateFloat } from '../value/big-float.ts';
import { type Decimal, parseDecimal } from '../value/decimal.ts';
import { numberFromInteger, parseNumber } from '../value/number.ts';
import type { Value } from '../value/value.ts';
import { type Builtin, BuiltinError } from './builtin.ts';
import { toBytes } from './bytes.ts';
import { readGoNumber } from './go-number.ts';
import { stringOperand } from './operand.ts';
import { NUMBER, STRING } from './type.ts';

export const UNITS: readonly Builtin[] = [
  { name: 'units.parse', args: [STRING], result: NUMBER, evaluate: (_, text) => parseUnits(stringOperand(text, 1)) },
  {
    name: 'units.parse_bytes',
    args: [STRING],
    result: NUMBER,
    evaluate: (_, text) => parseBytes(stringOperand(text, 1)),
  },
];

const POWERS = ['', 'k', 'm', 'g', 't', 'p', 'e'];
/** Milli, as the double nearest to 0.001, which is what OPA multiplies by. */
const MILLI = { numerator: 1152921504606847n, denominator: 1152921504606846976n };
const MAX_EXPONENT_DIGITS = 6;

function parseBytes(raw: string): Value {
  const text = raw.toLowerCase().replaceAll('"', '');
  const fail = failure('units.parse_bytes');
  if (text.includes(' ')) throw fail('spaces not allowed in resource strings');
  const { amount, unit } = splitUnit(text, fail);
  if (amount === '') throw fail('no byte amount provided');
  const factor = byteFactor(unit);
  if (factor === undefined) throw fail(`byte unit ${unit} not recognized`);
  const decimal = readAmount(amount);
  if (decimal === undefined) throw fail('could not parse byte amount to a number');
  return numberFromInteger(truncateFloat(multiplyFloats(floatFromDecimal(decimal), floatFromInteger(factor))));
}

function byteFactor(unit: string): bigint | undefined {
  const match = /^([kmgtpe]?)(i?)(b?)$/.exec(unit);
  if (match === null || unit === 'b' || unit === 'i' || unit === 'ib') return undefined;
  const power = BigInt(POWERS.indexOf(match[1] ?? ''));
  return match[2] === 'i' ? 1024n ** power : 1000n ** power;
}

function parseUnits(raw: string): Value {
  const text = raw.replaceAll('"', '');
  const fail = failure('units.parse');
  if (text.includes(' ')) throw fail('spaces not allowed in resource strings');
  const { amount, unit: written } = splitUnit(text, fail);
  if (amount === '') throw fail('no amount provided');
  const unit = lowered(written);
  const factor = unitFactor(unit);
  if (factor === undefined) throw fail(`unit ${unit} not recognized`);
  const decimal = readAmount(amount);
  if (decimal === undefined) throw fail('could not parse amount to a number');
  const value = fractionOf(decimal);
  return rational(value.numerator * factor.numerator, value.denominator * factor.denominator);
}

interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** `m` is milli and `M` mega; every other unit ignores case. */
function unitFactor(unit: string): Fraction | undefined {
  if (unit === 'm') return MILLI;
  const match = /^([kmgtpe]?)(i?)$/.exec(unit.toLowerCase());
  if (match === null || unit === 'i' || unit === 'I') return undefined;
  const power = BigInt(POWERS.indexOf(match[1] ?? ''));
  return { numerator: match[2] === 'i' ? 1024n ** power : 1000n ** power, denominator: 1n };
}

/** Where the number ends; an `e` belongs to it only when digits or a sign follow. */
function splitUnit(text: string, fail: (why: string) => BuiltinError): { amount: string; unit: string } {
  let at = 0;
  for (; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (!/[0-9.eE+-]/.test(char)) break;
    if (char !== 'e' && char !== 'E') continue;
    const exponent = /^[+-]?\d*/.exec(text.slice(at + 1))?.[0] ?? '';
    if (exponent === '') break;
    if (exponent.replace(/^[+-]/, '').length > MAX_EXPONENT_DIGITS) throw fail('exponent too large');
    if (/^[+-]/.test(exponent)) at += 1;
  }
  return { amount: text.slice(0, at), unit: text.slice(at) };
}

/** All but the first letter in lower case; Go takes the first byte for it. */
function lowered(unit: string): string {
  const [first = ''] = unit;
  return (first < '\u0080' ? first : '\ufffd'.repeat(toBytes(first).length)) + unit.slice(first.length).toLowerCase();
}

function readAmount(text: string): Decimal | undefined {
  const number = readGoNumber(text);
  const decimal = number === undefined ? undefined : parseDecimal(number);
  if (Math.abs(decimal?.exponent ?? 0) > 100_000) throw new BuiltinError('exponent too large');
  return decimal;
}

function fractionOf({ negative, coefficient: magnitude, exponent }: Decimal): Fraction {
  const coefficient = negative ? -magnitude : magnitude;
  const power = 10n ** BigInt(Math.abs(exponent));
  return exponent < 0
    ? { numerator: coefficient, denominator: power }
    : { numerator: coefficient * power, denominator: 1n };
}

/** An integer, or ten digits after the point, half away from zero. */
function rational(numerator: bigint, denominator: bigint): Value {
  if (numerator % denominator === 0n) return numberFromInteger(numerator / denominator);
  const magnitude = numerator < 0n ? -numerator : numerator;
  const scaled = (magnitude * 10n ** 10n * 2n + denominator) / (denominator * 2n);
  const digits = String(scaled).padStart(11, '0');
  return parseNumber(`${numerator < 0n ? '-' : ''}${digits.slice(0, -10)}.${digits.slice(-10)}`);
}

function failure(name: string): (why: string) => BuiltinError {
  return (why) => new BuiltinError(`${name}: ${why}`);
}

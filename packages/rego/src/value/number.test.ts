import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { parseDecimal } from './decimal.ts';
import {
  ArithmeticError,
  absolute,
  add,
  BigNumber,
  ceil,
  compareNumbers,
  divide,
  floor,
  multiply,
  numberFromInteger,
  numberText,
  parseNumber,
  remainder,
  round,
  subtract,
  toInteger,
} from './number.ts';

type Num = number | BigNumber;

describe('numbers', () => {
  for (const text of ['', '-', '.5', '5.', '01e', '0x10', 'NaN', 'Infinity', '1_000', ' 1', '1e']) {
    test(`${JSON.stringify(text)} is no number`, () => {
      assert.throws(() => parseNumber(text), SyntaxError);
    });
  }

  test('a JS number is used exactly where its text says the same', () => {
    for (const text of ['0', '-1', '1.5', '9007199254740993', '1e400', '1.0', '-0', '1e21', '1e+21', '0.1', '1E3']) {
      const value = parseNumber(text);
      assert.equal(numberText(value), text);
      assert.equal(typeof value === 'number', String(Number(text)) === text);
    }
  });

  const answers: readonly (readonly [name: string, actual: () => Num, expected: string])[] = [
    ['0.1 + 0.2', () => add(0.1, 0.2), '0.3'],
    ['1.1 * 1.1', () => multiply(1.1, 1.1), '1.21'],
    ['1 / 3', () => divide(1, 3), '0.33333333333333333334'],
    ['2 / 3', () => divide(2, 3), '0.6666666666666666667'],
    ['0 / -5', () => divide(0, -5), '-0'],
    ['2.5 * 2', () => multiply(2.5, 2), '5'],
    ['1234567.5 * 1', () => multiply(1234567.5, 1), '1.2345675e+06'],
    ['2^70 + 1', () => add(parseNumber('1180591620717411303424'), 1), '1180591620717411303425'],
    ['10 % 2^64', () => remainder(10, parseNumber('18446744073709551616')), '10'],
    ['-7 % 3', () => remainder(-7, 3), '-1'],
    ['round(-2.5)', () => round(-2.5), '-3'],
    ['round(0.5)', () => round(0.5), '1'],
    ['ceil(1.01)', () => ceil(1.01), '2'],
    ['ceil(-1.5)', () => ceil(-1.5), '-1'],
    ['floor(-1.5)', () => floor(-1.5), '-2'],
    ['abs(-1.5)', () => absolute(-1.5), '1.5'],
    ['0.5 - 0.5', () => subtract(0.5, 0.5), '0'],
    ['(2^53 - 1) + 2', () => add(Number.MAX_SAFE_INTEGER, 2), '9007199254740993'],
  ];
  for (const [name, actual, expected] of answers) {
    test(`${name} is ${expected}`, () => {
      assert.equal(numberText(actual()), expected);
    });
  }

  test('dividing by any zero, and the remainder of fractions, have no answer', () => {
    for (const zero of [0, parseNumber('0.0'), parseNumber('-0'), parseNumber('0e5')]) {
      assert.throws(() => divide(1, zero), new ArithmeticError('divide by zero'));
    }
    assert.throws(() => remainder(7, 0), new ArithmeticError('modulo by zero'));
    assert.throws(() => remainder(1.1, 1), new ArithmeticError('modulo on floating-point number'));
  });

  test('an enormous exponent is compared and printed, never expanded', () => {
    const huge = parseNumber('1e1000000000');
    const tiny = parseNumber('1e-1000000000');
    assert.equal(numberText(huge), '1e1000000000');
    assert.equal(compareNumbers(huge, parseNumber('10e999999999')), 0);
    assert.equal(compareNumbers(huge, 1), 1);
    assert.equal(compareNumbers(tiny, 0), 1);
    assert.equal(toInteger(huge), undefined);
    assert.throws(() => add(huge, 1), ArithmeticError);
    assert.throws(() => multiply(tiny, 1), ArithmeticError);
    assert.throws(() => round(huge), ArithmeticError);
  });

  test('a calculated fraction equals the same fraction as written', () => {
    assert.equal(compareNumbers(divide(1, 4), 0.25), 0);
    assert.equal(compareNumbers(parseNumber('1.0'), 1), 0);
    assert.equal(compareNumbers(parseNumber('-0.0'), 0), 0);
    assert.equal(compareNumbers(parseNumber('-1.0'), -1), 0);
    assert.equal(compareNumbers(parseNumber('9007199254740993'), 9007199254740992), 1);
    assert.equal(compareNumbers(parseNumber('9223372036854775807'), parseNumber('9223372036854775808')), -1);
  });

  const integers = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }));

  test('integer arithmetic is exact at any size', () => {
    fc.assert(
      fc.property(integers, integers, (x, y) => {
        const [a, b] = [BigInt(x), BigInt(y)];
        const [left, right] = [numberFromInteger(a), numberFromInteger(b)];
        assert.equal(numberText(add(left, right)), String(a + b));
        assert.equal(numberText(subtract(left, right)), String(a - b));
        assert.equal(numberText(multiply(left, right)), String(a * b));
        if (b !== 0n) assert.equal(numberText(remainder(left, right)), String(a % b));
        assert.equal(compareNumbers(left, right), a === b ? 0 : a < b ? -1 : 1);
      }),
    );
  });

  const decimals = fc
    .tuple(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.integer({ min: 0, max: 6 }))
    .map(([coefficient, scale]) => ({ coefficient: BigInt(coefficient), scale: BigInt(scale) }));
  const asNumber = ({ coefficient, scale }: { coefficient: bigint; scale: bigint }): Num => {
    const digits = String(coefficient < 0n ? -coefficient : coefficient).padStart(Number(scale) + 1, '0');
    const point = digits.length - Number(scale);
    const fraction = scale === 0n ? '' : `.${digits.slice(point)}`;
    return parseNumber(`${coefficient < 0n ? '-' : ''}${digits.slice(0, point)}${fraction}`);
  };
  /** Whether the number is numerator / 10^power, up to 2^-62 of `scale` / 10^power. */
  const isNear = (actual: Num, numerator: bigint, scale: bigint, power: bigint): boolean => {
    const decimal = parseDecimal(numberText(actual));
    assert.ok(decimal);
    const signed = decimal.negative ? -decimal.coefficient : decimal.coefficient;
    const digits = BigInt(Math.max(0, -decimal.exponent));
    const value = signed * 10n ** (BigInt(decimal.exponent) + digits) * 10n ** power;
    const error = value - numerator * 10n ** digits;
    return (error < 0n ? -error : error) * 2n ** 62n <= scale * 10n ** digits;
  };
  const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);

  test('fractions are right to 64 bits', () => {
    fc.assert(
      fc.property(decimals, decimals, (x, y) => {
        const [a, b] = [x.coefficient * 10n ** y.scale, y.coefficient * 10n ** x.scale];
        const power = x.scale + y.scale;
        assert.ok(isNear(add(asNumber(x), asNumber(y)), a + b, magnitude(a) + magnitude(b), power));
        assert.ok(isNear(subtract(asNumber(x), asNumber(y)), a - b, magnitude(a) + magnitude(b), power));
        const product = x.coefficient * y.coefficient;
        assert.ok(isNear(multiply(asNumber(x), asNumber(y)), product, magnitude(product), power));
      }),
    );
  });

  test('doubles keep their order, whichever form they have', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (x, y) => {
          const expected = x === y ? 0 : x < y ? -1 : 1;
          assert.equal(compareNumbers(x, y), expected);
          assert.equal(compareNumbers(new BigNumber(String(x)), y), expected);
          assert.equal(compareNumbers(x, new BigNumber(String(y))), expected);
        },
      ),
    );
  });
});

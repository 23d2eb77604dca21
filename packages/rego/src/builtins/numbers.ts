/** Arithmetic, rounding, ranges, `format_int` and random numbers. */
import {
  absolute,
  add,
  type BigNumber,
  ceil,
  divide,
  floor,
  isNumber,
  multiply,
  numberFromInteger,
  numberText,
  remainder,
  round,
  subtract,
  toInteger,
  truncate,
} from '../value/number.ts';
import { isSet, RegoSet } from '../value/set.ts';
import type { Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import {
  bigIntegerOperand,
  calculate,
  integerOperand,
  numberOperand,
  operandError,
  operandTypeError,
  stringOperand,
} from './operand.ts';
import { ANY_SET, arrayOf, NUMBER, STRING, union } from './type.ts';

type Num = number | BigNumber;

const NUMBER_OR_SET = union(NUMBER, ANY_SET);
/** Longest array that a range may become. */
const MAX_RANGE = 1_000_000;

export const NUMBERS: readonly Builtin[] = [
  binary('plus', '+', add),
  {
    name: 'minus',
    infix: '-',
    args: [NUMBER_OR_SET, NUMBER_OR_SET],
    result: NUMBER_OR_SET,
    evaluate: (_, x, y) => minus(x, y),
  },
  binary('mul', '*', multiply),
  binary('div', '/', divide),
  binary('rem', '%', remainder),
  unary('abs', absolute),
  unary('round', round),
  unary('ceil', ceil),
  unary('floor', floor),
  {
    name: 'numbers.range',
    args: [NUMBER, NUMBER],
    result: arrayOf(NUMBER),
    evaluate: (context, from, to) => range(context, bigIntegerOperand(from, 1), bigIntegerOperand(to, 2), 1n),
  },
  {
    name: 'numbers.range_step',
    args: [NUMBER, NUMBER, NUMBER],
    result: arrayOf(NUMBER),
    evaluate: (context, from, to, by) => {
      const [start, end, step] = [bigIntegerOperand(from, 1), bigIntegerOperand(to, 2), bigIntegerOperand(by, 3)];
      if (step <= 0n) throw new BuiltinError('numbers.range_step: step must be a positive integer');
      return range(context, start, end, step);
    },
  },
  {
    name: 'format_int',
    args: [NUMBER, NUMBER],
    result: STRING,
    evaluate: (_, value, base) => formatInteger(numberOperand(value, 1), numberOperand(base, 2)),
  },
  {
    name: 'rand.intn',
    args: [STRING, NUMBER],
    result: NUMBER,
    nondeterministic: true,
    evaluate: (context, seed, limit) => randomBelow(context, stringOperand(seed, 1), integerOperand(limit, 2)),
  },
];

function binary(name: string, infix: string, operation: (x: Num, y: Num) => Num): Builtin {
  return {
    name,
    infix,
    args: [NUMBER, NUMBER],
    result: NUMBER,
    evaluate: (_, x, y) => {
      const [left, right] = [numberOperand(x, 1), numberOperand(y, 2)];
      return calculate(() => operation(left, right));
    },
  };
}

function unary(name: string, operation: (x: Num) => Num): Builtin {
  return {
    name,
    args: [NUMBER],
    result: NUMBER,
    evaluate: (_, x) => {
      const operand = numberOperand(x, 1);
      return calculate(() => operation(operand));
    },
  };
}

function minus(x: Value, y: Value): Value {
  if (isNumber(x) && isNumber(y)) return calculate(() => subtract(x, y));
  if (isSet(x) && isSet(y)) return new RegoSet(x.sorted().filter((member) => !y.has(member)));
  if (!isNumber(x) && !isSet(x)) throw operandTypeError(1, x, 'number', 'set');
  throw operandTypeError(2, y, isNumber(y) ? 'set' : 'number');
}

function safeRange(first: number, by: number, count: number): Value {
  const numbers: number[] = [];
  for (let index = 0; index < count; index += 1) numbers.push(first + index * by);
  return numbers;
}

function range(context: BuiltinContext, from: bigint, to: bigint, step: bigint): Value {
  const distance = to >= from ? to - from : from - to;
  const count = distance / step + 1n;
  if (count > BigInt(MAX_RANGE)) throw new BuiltinError(`range of more than ${MAX_RANGE} numbers`);
  context.spend(Number(count));
  const signed = to >= from ? step : -step;
  const [first, last, by] = [Number(from), Number(to), Number(signed)];
  if (Number.isSafeInteger(first) && Number.isSafeInteger(last)) return safeRange(first, by, Number(count));
  return Array.from({ length: Number(count) }, (_, index) => numberFromInteger(from + BigInt(index) * signed));
}

function formatInteger(value: Num, base: Num): string {
  const radix = Number(numberText(base));
  if (![2, 8, 10, 16].includes(radix) || String(radix) !== numberText(base)) {
    throw operandError(2, 'must be one of {2, 8, 10, 16}');
  }
  // Only what is written as an integer is one here; `1e30` is a number of 64 significant bits.
  const exact = /^-?\d+$/.test(numberText(value)) ? toInteger(value) : undefined;
  return calculate(() => exact ?? truncate(value)).toString(radix);
}

/** The same seed and limit give the same number within a query. */
function randomBelow(context: BuiltinContext, seed: string, limit: number): number {
  if (limit === 0) return 0;
  const key = `rand.intn ${limit} ${seed}`;
  const known = context.cache.get(key);
  if (typeof known === 'number') return known;
  const drawn = Math.floor(context.random() * Math.abs(limit));
  context.cache.set(key, drawn);
  return drawn;
}

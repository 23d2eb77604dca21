/** Bitwise operations over integers of any size, in two's complement. */
import { numberFromInteger } from '../value/number.ts';
import type { Value } from '../value/value.ts';
import { type Builtin, BuiltinError } from './builtin.ts';
import { bigIntegerOperand, operandError } from './operand.ts';
import { NUMBER } from './type.ts';

/** Furthest left shift: the result has no more bits than this plus the operand's. */
const MAX_SHIFT = 65_536n;

export const BITS: readonly Builtin[] = [
  binary('bits.or', (x, y) => x | y),
  binary('bits.and', (x, y) => x & y),
  binary('bits.xor', (x, y) => x ^ y),
  {
    name: 'bits.negate',
    args: [NUMBER],
    result: NUMBER,
    evaluate: (_, x) => numberFromInteger(~bigIntegerOperand(x, 1)),
  },
  shift('bits.lsh', (x, count) => {
    if (count > MAX_SHIFT) throw new BuiltinError(`shift by more than ${MAX_SHIFT} bits`);
    return x << count;
  }),
  shift('bits.rsh', (x, count) => x >> count),
];

function binary(name: string, operation: (x: bigint, y: bigint) => bigint): Builtin {
  return {
    name,
    args: [NUMBER, NUMBER],
    result: NUMBER,
    evaluate: (_, x, y) => numberFromInteger(operation(bigIntegerOperand(x, 1), bigIntegerOperand(y, 2))),
  };
}

function shift(name: string, operation: (x: bigint, count: bigint) => bigint): Builtin {
  return {
    name,
    args: [NUMBER, NUMBER],
    result: NUMBER,
    evaluate: (_, x, count) => numberFromInteger(operation(bigIntegerOperand(x, 1), shiftOperand(count))),
  };
}

function shiftOperand(value: Value): bigint {
  const count = bigIntegerOperand(value, 2);
  if (count < 0n) throw operandError(2, 'must be an unsigned integer number but got a negative integer');
  return count;
}

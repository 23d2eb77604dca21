/** Reads a builtin's operands, refusing wrong ones in OPA's words. Positions count from 1. */
import { ArithmeticError, BigNumber, toInteger, toMachineInteger } from '../value/number.ts';
import { isObject } from '../value/object.ts';
import { RegoSet } from '../value/set.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import { BuiltinError } from './builtin.ts';

export type TypeName = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object' | 'set';

/** The name that `type_name` and error messages use. */
export function typeName(value: Value): TypeName {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'boolean':
    case 'number':
    case 'string':
      return typeof value as TypeName;
    default:
      if (Array.isArray(value)) return 'array';
      if (value instanceof BigNumber) return 'number';
      return value instanceof RegoSet ? 'set' : 'object';
  }
}

export function operandError(position: number, message: string): BuiltinError {
  return new BuiltinError(`operand ${position} ${message}`, 'eval_type_error');
}

export function operandTypeError(position: number, got: Value, ...expected: readonly string[]): BuiltinError {
  const wanted = expected.length === 1 ? expected[0] : `one of {${expected.join(', ')}}`;
  return operandError(position, `must be ${wanted} but got ${typeName(got)}`);
}

/** A member of a composite operand has the wrong type. */
export function elementError(
  position: number,
  composite: Value,
  got: Value,
  ...expected: readonly string[]
): BuiltinError {
  const kind = typeName(composite);
  const wanted = expected.length === 1 ? `${expected[0]}s` : `(any of) {${expected.join(', ')}}`;
  return operandError(position, `must be ${kind} of ${wanted} but got ${kind} containing ${typeName(got)}`);
}

export function stringOperand(value: Value, position: number): string {
  if (typeof value !== 'string') throw operandTypeError(position, value, 'string');
  return value;
}

export function numberOperand(value: Value, position: number): number | BigNumber {
  if (typeof value === 'number' || value instanceof BigNumber) return value;
  throw operandTypeError(position, value, 'number');
}

/** A machine integer; `1.0` is a floating-point number here. */
export function integerOperand(value: Value, position: number): number {
  const integer = toMachineInteger(numberOperand(value, position));
  if (integer === undefined) throw operandError(position, 'must be integer number but got floating-point number');
  return integer;
}

/** An integer of any size. */
export function bigIntegerOperand(value: Value, position: number): bigint {
  if (typeof value !== 'number' && !(value instanceof BigNumber)) throw operandTypeError(position, value, 'integer');
  const integer = toInteger(value);
  if (integer === undefined) throw operandError(position, 'must be integer number but got floating-point number');
  return integer;
}

export function arrayOperand(value: Value, position: number): readonly Value[] {
  if (!Array.isArray(value)) throw operandTypeError(position, value, 'array');
  return value as readonly Value[];
}

export function setOperand(value: Value, position: number): RegoSet {
  if (!(value instanceof RegoSet)) throw operandTypeError(position, value, 'set');
  return value;
}

export function objectOperand(value: Value, position: number): ObjectValue {
  if (!isObject(value)) throw operandTypeError(position, value, 'object');
  return value;
}

/** The members of an array or, sorted, of a set. */
export function membersOf(value: Value): readonly Value[] | undefined {
  if (Array.isArray(value)) return value as readonly Value[];
  return value instanceof RegoSet ? value.sorted() : undefined;
}

/** The strings of an array or set. */
export function stringsOperand(value: Value, position: number): readonly string[] {
  const members = membersOf(value);
  if (members === undefined) throw operandTypeError(position, value, 'array', 'set');
  for (const member of members) {
    if (typeof member !== 'string') throw elementError(position, value, member, 'string');
  }
  return members as readonly string[];
}

/** Arithmetic that has no answer becomes the builtin's error. */
export function calculate<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    if (error instanceof ArithmeticError) throw new BuiltinError(error.message);
    throw error;
  }
}

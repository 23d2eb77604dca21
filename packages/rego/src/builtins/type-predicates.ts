/** `is_*`, `type_name`, `to_number`, and the deprecated casts. */
import { isNumber, parseNumber } from '../value/number.ts';
import { isObject } from '../value/object.ts';
import { RegoSet, setFrom } from '../value/set.ts';
import type { Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { readGoNumber } from './go-number.ts';
import { membersOf, operandTypeError, type TypeName, typeName } from './operand.ts';
import { quote } from './text.ts';
import { ANY, ANY_ARRAY, ANY_OBJECT, ANY_SET, BOOLEAN, NULL, NUMBER, STRING, type Type, union } from './type.ts';

export const TYPES: readonly Builtin[] = [
  test('is_number', (_, value) => isNumber(value)),
  test('is_string', (_, value) => typeof value === 'string'),
  test('is_boolean', (_, value) => typeof value === 'boolean'),
  test('is_array', (_, value) => Array.isArray(value)),
  test('is_set', (_, value) => value instanceof RegoSet),
  test('is_object', (_, value) => isObject(value)),
  test('is_null', (_, value) => value === null),
  { name: 'type_name', args: [ANY], result: STRING, evaluate: (_, value) => typeName(value) },
  {
    name: 'to_number',
    args: [union(NUMBER, STRING, BOOLEAN, NULL)],
    result: NUMBER,
    evaluate: (_, value) => toNumber(value),
  },
  cast('cast_boolean', 'boolean', BOOLEAN),
  cast('cast_null', 'null', NULL),
  cast('cast_object', 'object', ANY_OBJECT),
  cast('cast_string', 'string', STRING),
  {
    name: 'cast_array',
    args: [ANY],
    result: ANY_ARRAY,
    deprecated: true,
    evaluate: (_, value) => {
      const members = membersOf(value);
      if (members === undefined) throw operandTypeError(1, value, 'array', 'set');
      return members;
    },
  },
  {
    name: 'cast_set',
    args: [ANY],
    result: ANY_SET,
    deprecated: true,
    evaluate: (_, value) => {
      const members = membersOf(value);
      if (members === undefined) throw operandTypeError(1, value, 'array', 'set');
      return setFrom(members);
    },
  },
];

function test(name: string, evaluate: (context: BuiltinContext, value: Value) => boolean): Builtin {
  return { name, args: [ANY], result: BOOLEAN, evaluate };
}

function cast(name: string, type: TypeName, result: Type): Builtin {
  return { name, args: [ANY], result, deprecated: true, evaluate: (_, value) => expectType(value, type) };
}

function expectType(value: Value, type: TypeName): Value {
  if (typeName(value) !== type) throw operandTypeError(1, value, type);
  return value;
}

function toNumber(value: Value): Value {
  if (value === null || value === false) return 0;
  if (value === true) return 1;
  if (isNumber(value)) return value;
  if (typeof value !== 'string') throw operandTypeError(1, value, 'null', 'boolean', 'number', 'string');
  if (/^[+-]*(?:inf|infinity|nan)$/i.test(value)) throw operandTypeError(1, value, 'valid number string');
  const number = readGoNumber(value);
  if (number === undefined) throw new BuiltinError(`strconv.ParseFloat: parsing ${quote(value)}: invalid syntax`);
  if (!Number.isFinite(Number(number))) {
    throw new BuiltinError(`strconv.ParseFloat: parsing ${quote(value)}: value out of range`);
  }
  return parseNumber(number);
}

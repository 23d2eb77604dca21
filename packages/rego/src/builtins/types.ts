/** `is_*`, `type_name`, `to_number`, and the deprecated casts. */
import { isNumber, parseNumber } from '../value/number.ts';
import { setFrom } from '../value/set.ts';
import type { Value } from '../value/value.ts';
import { type Builtin, BuiltinError } from './builtin.ts';
import { operandTypeError, type TypeName, typeName } from './operand.ts';
import { ANY, ANY_ARRAY, ANY_OBJECT, ANY_SET, BOOLEAN, NULL, NUMBER, STRING, type Type, union } from './type.ts';

export const TYPES: readonly Builtin[] = [
  test('is_number', 'number'),
  test('is_string', 'string'),
  test('is_boolean', 'boolean'),
  test('is_array', 'array'),
  test('is_set', 'set'),
  test('is_object', 'object'),
  test('is_null', 'null'),
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
      if (typeName(value) === 'set') return [...(value as Iterable<Value>)];
      return expectType(value, 'array');
    },
  },
  {
    name: 'cast_set',
    args: [ANY],
    result: ANY_SET,
    deprecated: true,
    evaluate: (_, value) => {
      if (Array.isArray(value)) return setFrom(value as readonly Value[]);
      return expectType(value, 'set');
    },
  },
];

function test(name: string, type: TypeName): Builtin {
  return { name, args: [ANY], result: BOOLEAN, evaluate: (_, value) => typeName(value) === type };
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
  const text = value.replace(/^\+/, '').replace(/^(-?)0+(?=\d)/, '$1');
  try {
    return parseNumber(text);
  } catch {
    throw new BuiltinError('invalid syntax');
  }
}

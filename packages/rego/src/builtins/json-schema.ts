/** `json.verify_schema` and `json.match_schema`: declared as OPA does, whose schemas may refer to the network. */
import { parseJson, toJson } from '../value/json.ts';
import { isObject } from '../value/object.ts';
import type { Value } from '../value/value.ts';
import { type Builtin, BuiltinError } from './builtin.ts';
import { checkSchema } from './json-schema/check-schema.ts';
import { matchSchema, type SchemaError } from './json-schema/match-schema.ts';
import { ANY_OBJECT, arrayOf, BOOLEAN, NULL, STRING, shape, tuple, union } from './type.ts';

const SOURCE = union(STRING, ANY_OBJECT);
const ERROR = shape({ error: STRING, type: STRING, field: STRING, desc: STRING });

export const JSON_SCHEMA: readonly Builtin[] = [
  {
    name: 'json.verify_schema',
    args: [SOURCE],
    result: tuple(BOOLEAN, union(STRING, NULL)),
    nondeterministic: true,
    evaluate: (_, schema) => verify(schema),
  },
  {
    name: 'json.match_schema',
    args: [SOURCE, SOURCE],
    result: tuple(BOOLEAN, arrayOf(ERROR)),
    nondeterministic: true,
    evaluate: (context, document, source) => {
      const value = load(document);
      const schema = load(source);
      checkSchema(schema);
      const errors = matchSchema(context, schema, value);
      return [errors.length === 0, errors.map(errorValue)];
    },
  },
];

function verify(source: Value): Value {
  try {
    const schema = load(source);
    checkSchema(schema);
    return [true, null];
  } catch (error) {
    if (error instanceof BuiltinError) return [false, `jsonschema: ${error.message}`];
    throw error;
  }
}

/** JSON text, or a value taken as the JSON it stands for. */
function load(source: Value): Value {
  if (typeof source === 'string') {
    try {
      return parseJson(source);
    } catch {
      throw new BuiltinError('invalid JSON string');
    }
  }
  if (!isObject(source) && !Array.isArray(source)) throw new BuiltinError('wrong type, expected string or object');
  return parseJson(toJson(source));
}

function errorValue({ field, type, description }: SchemaError): Value {
  return { error: `${field}: ${description}`, type, field, desc: description };
}

/** `graphql.*`: queries and schemas parsed, and queries checked against schemas. */
import { isObject } from '../value/object.ts';
import type { Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import {
  type QueryDocument,
  queryFromValue,
  type SchemaDocument,
  schemaFromValue,
  toValue,
} from './graphql/document.ts';
import { parseQuery } from './graphql/parse-query.ts';
import { parseSchema } from './graphql/parse-schema.ts';
import type { Parsed } from './graphql/parsed.ts';
import { buildSchema } from './graphql/schema.ts';
import { validateQuery } from './graphql/validate-query.ts';
import { operandTypeError, stringOperand } from './operand.ts';
import { ANY_OBJECT, BOOLEAN, STRING, tuple, union } from './type.ts';

const SOURCE = union(STRING, ANY_OBJECT);

export const GRAPHQL: readonly Builtin[] = [
  {
    name: 'graphql.parse_query',
    args: [STRING],
    result: ANY_OBJECT,
    evaluate: (_, query) => toValue(parseQuery(stringOperand(query, 1)).document),
  },
  {
    name: 'graphql.parse_schema',
    args: [STRING],
    result: ANY_OBJECT,
    evaluate: (_, schema) => toValue(parseSchema(stringOperand(schema, 1)).document),
  },
  {
    name: 'graphql.parse',
    args: [SOURCE, SOURCE],
    result: tuple(ANY_OBJECT, ANY_OBJECT),
    evaluate: (context, query, schema) => parseBoth(context, query, schema),
  },
  {
    name: 'graphql.parse_and_verify',
    args: [SOURCE, SOURCE],
    result: tuple(BOOLEAN, ANY_OBJECT, ANY_OBJECT),
    evaluate: (context, query, schema) =>
      whenValid<Value>([false, {}, {}], () => [true, ...parseBoth(context, query, schema)]),
  },
  {
    name: 'graphql.is_valid',
    args: [SOURCE, SOURCE],
    result: BOOLEAN,
    evaluate: (context, query, schema) =>
      whenValid<Value>(false, () => {
        parseBoth(context, query, schema);
        return true;
      }),
  },
  {
    name: 'graphql.schema_is_valid',
    args: [SOURCE],
    result: BOOLEAN,
    evaluate: (_, schema) =>
      whenValid<Value>(false, () => {
        buildSchema(schemaOperand(schema).document);
        return true;
      }),
  },
];

function whenValid<T>(otherwise: T, attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof BuiltinError) return otherwise;
    throw error;
  }
}

function parseBoth(context: BuiltinContext, queryValue: Value, schemaValue: Value): readonly [Value, Value] {
  const query = queryOperand(queryValue);
  const schema = schemaOperand(schemaValue);
  validateQuery(buildSchema(schema.document), query, (steps) => {
    context.spend(steps);
  });
  return [toValue(query.document), toValue(schema.document)];
}

/** A document that was given as an AST has no positions. */
const NOWHERE = (): string => 'location 0:0';

function queryOperand(value: Value): Parsed<QueryDocument> {
  if (typeof value === 'string') return parseQuery(value);
  if (!isObject(value)) throw operandTypeError(0, value, 'string', 'object');
  return { document: queryFromValue(value), locationOf: NOWHERE };
}

function schemaOperand(value: Value): Parsed<SchemaDocument> {
  if (typeof value === 'string') return parseSchema(value);
  if (!isObject(value)) throw operandTypeError(1, value, 'string', 'object');
  return { document: schemaFromValue(value), locationOf: NOWHERE };
}

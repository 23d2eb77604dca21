/** Answers of other services, held to what was agreed: the part of JSON Schema that OpenAPI files use to say what comes back. */
import { isJsonArray, isJsonObject, type JsonValue } from '../jwt/strict-json.ts';
import { Problem } from '../problem.ts';

/** A schema without references; keywords that are not here hold nothing back. */
export interface AnswerSchema {
  readonly type?: AnswerType | readonly AnswerType[];
  readonly enum?: readonly JsonValue[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, AnswerSchema>>;
  readonly items?: AnswerSchema;
  readonly anyOf?: readonly AnswerSchema[];
  readonly allOf?: readonly AnswerSchema[];
}

type AnswerType = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object';

/**
 * Reads an answer as a type that a schema stands for; generated clients use it.
 *
 * @example
 * ```ts
 * import { operation, readAs } from '@sidegate/sdk/client';
 *
 * const read = readAs<{ readonly receipt_id: string }>({
 *   type: 'object',
 *   required: ['receipt_id'],
 *   properties: { receipt_id: { type: 'string' } },
 * });
 * const charge = operation({ method: 'POST', path: '/charge', scopes: ['payment:charge'], read });
 * ```
 * @returns a reader that throws Problem `bad_upstream_response`, which names the place and not what was there
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the schema is what T was made of
export function readAs<T>(schema: AnswerSchema): (answer: JsonValue) => T {
  return (answer) => {
    const place = wrongPlace(answer, schema, 'the answer');
    if (place !== undefined) throw new Problem('bad_upstream_response', `${place} is not what was agreed`);
    return answer as T;
  };
}

/** The first place that the schema does not allow; undefined: it allows all. */
function wrongPlace(value: JsonValue, schema: AnswerSchema, place: string): string | undefined {
  const { type, enum: choices, anyOf, allOf, items, required = [], properties = {} } = schema;
  const types = type === undefined ? [] : [type].flat();
  if (types.length > 0 && !types.some((each) => isOfType(value, each))) return place;
  if (choices !== undefined && !choices.some((choice) => JSON.stringify(choice) === JSON.stringify(value)))
    return place;
  if (anyOf !== undefined && anyOf.every((each) => wrongPlace(value, each, place) !== undefined)) return place;
  for (const each of allOf ?? []) {
    const wrong = wrongPlace(value, each, place);
    if (wrong !== undefined) return wrong;
  }
  if (isJsonArray(value) && items !== undefined) {
    return first(value.entries(), ([index, item]) => wrongPlace(item, items, `${place}[${index}]`));
  }
  if (!isJsonObject(value)) return undefined;
  const missing = required.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) return `${place}.${missing}`;
  return first(Object.entries(properties), ([name, each]) => {
    const member = Object.hasOwn(value, name) ? value[name] : undefined;
    return member === undefined ? undefined : wrongPlace(member, each, `${place}.${name}`);
  });
}

function first<T>(all: Iterable<T>, wrong: (each: T) => string | undefined): string | undefined {
  for (const each of all) {
    const place = wrong(each);
    if (place !== undefined) return place;
  }
  return undefined;
}

function isOfType(value: JsonValue, type: AnswerType): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return isJsonArray(value);
    case 'object':
      return isJsonObject(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

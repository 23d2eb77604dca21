/** The TypeScript of a client, made from what its service says of itself. Whatever comes from there is written as data. */
import type { JsonObject, JsonValue } from '@sidegate/sdk';
import { type Api, type ApiOperation, listOf, objectOf } from './openapi-operations.ts';

export interface ClientSourceOptions {
  /** Of the service, such as `payment-service`. */
  readonly service: string;
  /** Whose clients these are; undefined: anybody's. */
  readonly caller: string | undefined;
}

/** References that lead in circles end here. */
const MAX_DEPTH = 12;

export function clientSource({ operations, schemas }: Api, { service, caller }: ClientSourceOptions): string {
  const name = pascal(service);
  const scopes = [...new Set(operations.flatMap((each) => each.scopes))].toSorted();
  const types = Object.entries(schemas).map(([each, schema]) => `export type ${pascal(each)} = ${typeOf(schema)};\n`);
  const constants = operations.map((each) => {
    const { method, path, scopes: needed, movesMoney, answer } = each;
    const read =
      answer === undefined ? '() => undefined' : `readAs<${answerType(each)}>(${text(inlined(answer, schemas, 0))})`;
    return `const ${each.name}Operation = operation({
  method: ${text(method)},
  path: ${text(path)},
  scopes: ${text(needed)},
  movesMoney: ${movesMoney},
  read: ${read},
});
`;
  });
  const methods = operations.map(
    (each) => `  ${each.name}(input${isOptional(each) ? '?' : ''}: ${inputType(each)}): Promise<${answerType(each)}>;`,
  );
  const needs = operations.map((each) => `  ${each.name}: ${text(each.scopes)},`);
  const calls = operations.map(
    (each) => `    ${each.name}: (input: OperationInput = {}) => every.call(${each.name}Operation, input),`,
  );
  const limited = caller === undefined ? '' : `, limited to what ${caller.replaceAll(/[^\w.-]/g, '')} may do`;
  return `/** Made by \`sidegate generate client\`${limited}; changes are lost. */
import { operation, type OperationInput, type Permitted, readAs, type ServiceClient } from '@sidegate/sdk/client';

${types.join('\n')}
export interface ${name}Operations {
${methods.join('\n')}
}

/** What each operation needs. */
export const ${constant(service)}_SCOPES = {
${needs.join('\n')}
} as const;

export type ${name}Scope = ${scopes.length === 0 ? 'never' : scopes.map((each) => text(each)).join(' | ')};

${constants.join('\n')}
/** The operations that the scopes of this client allow. */
export function ${camel(service)}<Scope extends string>(
  client: ServiceClient<Scope>,
): Permitted<${name}Operations, typeof ${constant(service)}_SCOPES, Scope> {
  // The client itself refuses what its scopes do not allow.
  const every = client as unknown as ServiceClient<${name}Scope>;
  const operations = {
${calls.join('\n')}
  };
  return operations as unknown as Permitted<${name}Operations, typeof ${constant(service)}_SCOPES, Scope>;
}
`;
}

const answerType = ({ answer }: ApiOperation): string => (answer === undefined ? 'undefined' : typeOf(answer));

function inputType({ parameters, body, movesMoney }: ApiOperation): string {
  const places = (['path', 'query'] as const).flatMap((place) => {
    const those = parameters.filter((each) => each.place === place);
    if (those.length === 0) return [];
    const members = those.map(
      (each) => `readonly ${text(each.name)}${each.required ? '' : '?'}: ${parameterType(each.schema)}`,
    );
    const optional = those.some((each) => each.required) ? '' : '?';
    return [`readonly ${place === 'path' ? 'params' : 'query'}${optional}: { ${members.join('; ')} }`];
  });
  const members = [
    ...places,
    ...(body === undefined ? [] : [`readonly body${body.required ? '' : '?'}: ${typeOf(body.schema)}`]),
    ...(movesMoney ? ['readonly idempotencyKey?: string'] : []),
    'readonly signal?: AbortSignal',
  ];
  return `{ ${members.join('; ')} }`;
}

const isOptional = ({ parameters, body }: ApiOperation): boolean =>
  body?.required !== true && !parameters.some((each) => each.required);

function parameterType(schema: JsonObject): string {
  const { type } = schema;
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'boolean') return 'boolean';
  return type === 'array' ? 'readonly string[]' : 'string';
}

function typeOf(schema: JsonObject): string {
  const reference = referenceOf(schema);
  if (reference !== undefined) return pascal(reference);
  const { enum: choices, nullable } = schema;
  const alternatives = [...listOf(schema['anyOf']), ...listOf(schema['oneOf'])];
  const orNull = nullable === true ? ' | null' : '';
  if (choices !== undefined) return `(${listOf(choices).map(text).join(' | ')}${orNull})`;
  if (alternatives.length > 0) return `(${alternatives.map((each) => typeOf(objectOf(each))).join(' | ')}${orNull})`;
  const all = listOf(schema['allOf']);
  if (all.length > 0) return `(${all.map((each) => typeOf(objectOf(each))).join(' & ')}${orNull})`;
  const named = [schema['type']].flat().map((each) => namedType(each, schema));
  return named.length === 1 && orNull === '' ? (named[0] ?? 'unknown') : `(${named.join(' | ')}${orNull})`;
}

function namedType(type: JsonValue | undefined, schema: JsonObject): string {
  switch (type) {
    case 'string':
    case 'boolean':
    case 'number':
    case 'null':
      return type;
    case 'integer':
      return 'number';
    case 'array':
      return `readonly ${typeOf(objectOf(schema['items']))}[]`;
    case 'object': {
      const required = listOf(schema['required']);
      const members = Object.entries(objectOf(schema['properties'])).map(
        ([name, each]) => `readonly ${text(name)}${required.includes(name) ? '' : '?'}: ${typeOf(objectOf(each))}`,
      );
      return members.length === 0 ? 'Readonly<Record<string, unknown>>' : `{ ${members.join('; ')} }`;
    }
    default:
      return 'unknown';
  }
}

/** The schema without references, and only the keywords that answers are held to. */
function inlined(schema: JsonObject, schemas: Api['schemas'], depth: number): JsonObject {
  if (depth > MAX_DEPTH) return {};
  const reference = referenceOf(schema);
  if (reference !== undefined) return inlined(schemas[reference] ?? {}, schemas, depth + 1);
  const below = (each: JsonValue): JsonObject => inlined(objectOf(each), schemas, depth + 1);
  const alternatives = [...listOf(schema['anyOf']), ...listOf(schema['oneOf'])].map(below);
  const { type, enum: choices, required, properties, items, allOf, nullable } = schema;
  const plain: JsonObject = {
    ...(type === undefined ? {} : { type }),
    ...(choices === undefined ? {} : { enum: choices }),
    ...(required === undefined ? {} : { required }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(objectOf(properties)).map(([name, each]) => [name, below(each)]),
          ),
        }),
    ...(items === undefined ? {} : { items: below(items) }),
    ...(alternatives.length === 0 ? {} : { anyOf: alternatives }),
    ...(allOf === undefined ? {} : { allOf: listOf(allOf).map(below) }),
  };
  return nullable === true ? { anyOf: [plain, { type: 'null' }] } : plain;
}

function referenceOf({ $ref: reference }: JsonObject): string | undefined {
  return typeof reference === 'string' ? /^#\/components\/schemas\/(.+)$/.exec(reference)?.[1] : undefined;
}

const text = (value: unknown): string => JSON.stringify(value);

function pascal(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return /^[A-Z]/.test(joined) ? joined : `Type${joined}`;
}

const camel = (name: string): string => {
  const joined = pascal(name);
  return joined.charAt(0).toLowerCase() + joined.slice(1);
};

const constant = (name: string): string =>
  pascal(name)
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '_')
    .toUpperCase();

/** What an OpenAPI 3 document says that others may ask of a service, with the scopes that each operation needs. */
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '@sidegate/sdk';
import type { StartFinding } from './start-finding.ts';

export interface ApiParameter {
  readonly name: string;
  readonly place: 'path' | 'query';
  readonly required: boolean;
  readonly schema: JsonObject;
}

export interface ApiOperation {
  /** An identifier. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly scopes: readonly string[];
  /** Takes an Idempotency-Key. */
  readonly movesMoney: boolean;
  readonly parameters: readonly ApiParameter[];
  /** Of JSON; undefined: it takes none. */
  readonly body: { readonly required: boolean; readonly schema: JsonObject } | undefined;
  /** Of the first success; undefined: it brings no JSON. */
  readonly answer: JsonObject | undefined;
}

export interface Api {
  readonly operations: readonly ApiOperation[];
  /** Name → schema, as the document has them. */
  readonly schemas: Readonly<Record<string, JsonObject>>;
}

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete'] as const;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const MAX_OPERATIONS = 1_000;

/** @returns the operations, and every finding about them */
export function readOpenApi(
  document: JsonValue | undefined,
  file: string,
): { readonly api: Api; readonly findings: readonly StartFinding[] } {
  const findings: StartFinding[] = [];
  const found = (message: string, hint: string): void => void findings.push({ file, severity: 'error', message, hint });
  const root = objectOf(document);
  if (typeof root['openapi'] !== 'string' || !root['openapi'].startsWith('3.')) {
    found('is no OpenAPI 3 document', 'its member openapi says 3.0 or 3.1');
    return { api: { operations: [], schemas: {} }, findings };
  }
  const operations: ApiOperation[] = [];
  for (const [path, item] of Object.entries(objectOf(root['paths']))) {
    for (const method of METHODS) {
      const described = objectOf(item)[method];
      if (!isJsonObject(described)) continue;
      const place = `${method.toUpperCase()} ${path}`;
      const [scopes, wrong] = scopesOf(described['security'] ?? root['security']);
      if (wrong !== undefined) found(`${place}: ${wrong.message}`, wrong.hint);
      const parameters = [...listOf(objectOf(item)['parameters']), ...listOf(described['parameters'])].map((each) =>
        resolved(each, root),
      );
      operations.push({
        name: identifier(described['operationId'], method, path),
        method: method.toUpperCase(),
        path,
        scopes,
        movesMoney: parameters.some(
          (each) => each['in'] === 'header' && /^idempotency-key$/i.test(textOf(each['name'])),
        ),
        parameters: parameters.flatMap(parameterOf),
        body: bodyOf(resolved(described['requestBody'] ?? {}, root)),
        answer: answerOf(objectOf(described['responses']), root),
      });
    }
  }
  const seen = new Map<string, string>();
  for (const { name, method, path } of operations) {
    const other = seen.get(name);
    if (other !== undefined)
      found(`${method} ${path} and ${other} are both called ${name}`, 'give each its operationId');
    seen.set(name, `${method} ${path}`);
  }
  if (operations.length === 0) found('has no operations', 'there is nothing to call');
  if (operations.length > MAX_OPERATIONS)
    found(`has more than ${MAX_OPERATIONS} operations`, 'one client is for one service');
  const schemas = Object.entries(objectOf(objectOf(root['components'])['schemas'])).map(
    ([name, each]) => [name, objectOf(each)] as const,
  );
  return { api: { operations, schemas: Object.fromEntries(schemas) }, findings };
}

export function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

export function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return value !== undefined && isJsonArray(value) ? value : [];
}

/** `components` are one step away; whatever refers further says nothing. */
function resolved(value: JsonValue, root: JsonObject): JsonObject {
  const object = objectOf(value);
  const reference = object['$ref'];
  if (typeof reference !== 'string' || !reference.startsWith('#/components/')) return object;
  const [, , kind = '', name = ''] = reference.split('/');
  return objectOf(objectOf(objectOf(root['components'])[kind])[name]);
}

/** The scopes of the one way to call an operation; several ways would be several clients. */
function scopesOf(
  security: JsonValue | undefined,
): readonly [readonly string[], { readonly message: string; readonly hint: string } | undefined] {
  if (security === undefined) {
    return [
      [],
      {
        message: 'says nothing of who may call it',
        hint: 'give it security, [] where everybody may who proves who calls',
      },
    ];
  }
  const [only, another] = listOf(security);
  if (another !== undefined)
    return [[], { message: 'can be called in several ways', hint: 'keep the one that services use' }];
  const scopes = Object.values(objectOf(only)).flatMap((each) => listOf(each));
  const usable = scopes.filter((each): each is string => typeof each === 'string' && SCOPE.test(each));
  if (usable.length === scopes.length) return [[...new Set(usable)].toSorted(), undefined];
  return [
    usable,
    { message: 'needs a scope that is none', hint: 'RFC 6749 section 3.3: no blanks, quotes or backslashes' },
  ];
}

const textOf = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '');

function parameterOf(each: JsonObject): readonly ApiParameter[] {
  const { name, in: place, required } = each;
  if (typeof name !== 'string' || (place !== 'path' && place !== 'query')) return [];
  return [{ name, place, required: place === 'path' || required === true, schema: objectOf(each['schema']) }];
}

function bodyOf(body: JsonObject): ApiOperation['body'] {
  const schema = jsonSchemaIn(body);
  return schema === undefined ? undefined : { required: body['required'] === true, schema };
}

function answerOf(responses: JsonObject, root: JsonObject): JsonObject | undefined {
  const status = Object.keys(responses).find((each) => /^2\d\d$|^2XX$/i.test(each));
  return status === undefined ? undefined : jsonSchemaIn(resolved(responses[status] ?? {}, root));
}

function jsonSchemaIn({ content }: JsonObject): JsonObject | undefined {
  const media = Object.entries(objectOf(content)).find(([type]) =>
    /^application\/(?:[\w.-]+\+)?json\b/.test(type),
  )?.[1];
  return media === undefined ? undefined : objectOf(objectOf(media)['schema']);
}

/** `operationId`, or `getProductsProductId` of method and path. */
function identifier(id: JsonValue | undefined, method: string, path: string): string {
  const words = (typeof id === 'string' ? id : `${method} ${path}`)
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
  const [head = 'call', ...tail] = words;
  const name = [
    head.charAt(0).toLowerCase() + head.slice(1),
    ...tail.map((word) => word.charAt(0).toUpperCase() + word.slice(1)),
  ].join('');
  return /^[a-z]/.test(name) ? name : `call${name}`;
}

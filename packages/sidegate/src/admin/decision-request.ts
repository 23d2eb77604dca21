/**
 * What the decision API is asked: one request as its caller received it, read strictly into the very head that the data path would
 * have read from the wire, so that both are judged by the same stages.
 */
import { METHODS } from 'node:http';
import { JsonError, type JsonObject, type JsonValue, Problem, parseStrictJson } from '@sidegate/sdk';
import { fieldLine, readFields } from '../net/fields.ts';
import type { RequestHead } from '../net/request-head.ts';

export interface DecisionRequest {
  readonly head: RequestHead;
  /** PEM of the certificate that the caller verified in its handshake. */
  readonly certificate: string | undefined;
}

/** How a token travels on the data path. */
export interface TokenPlace {
  /** In lower case. */
  readonly header: string;
  readonly scheme: string;
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
/** A character is a byte; one beyond would be cut to another one. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** They have members of their own, or frame a message that is not here. */
const ELSEWHERE: ReadonlySet<string> = new Set(['host', 'authorization', 'content-length', 'transfer-encoding']);

/** @throws Problem `invalid_request` */
export function readJson(body: Buffer): JsonValue {
  try {
    return parseStrictJson(body);
  } catch (error) {
    if (error instanceof JsonError) throw invalid(`the body is not strict JSON: ${error.message}`);
    throw error;
  }
}

/** @throws Problem `invalid_request`, which names the member */
export function readDecisionRequest(value: JsonValue, place: TokenPlace): DecisionRequest {
  const asked = objectOf(value, 'the question', ['request', 'token', 'mtls', 'headers']);
  const request = objectOf(asked['request'] ?? {}, 'request', ['method', 'path', 'query', 'host']);
  const method = textOf(request['method'], 'request.method') ?? missing('request.method');
  if (!KNOWN_METHODS.has(method)) throw invalid('request.method is no method');
  const path = textOf(request['path'], 'request.path') ?? missing('request.path');
  if (path.includes('?')) throw invalid('request.path has a query, which belongs into request.query');
  const query = textOf(request['query'], 'request.query') ?? '';
  const host = textOf(request['host'], 'request.host') ?? missing('request.host');
  const token = textOf(asked['token'], 'token');
  const mtls = objectOf(asked['mtls'] ?? {}, 'mtls', ['certificate']);
  const fields: Field[] = [
    ['host', host],
    ...(token === undefined ? [] : ([[place.header, `${place.scheme} ${token}`]] as const)),
    ...fieldsOf(asked['headers'] ?? {}, place),
  ];
  const text = fields.map(([name, each]) => line(name, each)).join('');
  return {
    head: {
      method,
      target: query === '' ? path : `${path}?${query}`,
      version: '1.1',
      fields: readFields(Buffer.from(text, 'latin1'), text, 0, text.length),
    },
    certificate: textOf(mtls['certificate'], 'mtls.certificate'),
  };
}

type Field = readonly [name: string, value: string];

function fieldsOf(value: JsonValue, place: TokenPlace): Field[] {
  const headers = objectOf(value, 'headers');
  return Object.keys(headers).flatMap((name) => {
    const lower = name.toLowerCase();
    if (!FIELD_NAME.test(name)) throw invalid('headers has a name that is none');
    if (ELSEWHERE.has(lower) || lower === place.header) {
      throw invalid(`headers.${name} is not given there: see request.host and token`);
    }
    const given = headers[name];
    const values = Array.isArray(given) ? (given as readonly JsonValue[]) : [given];
    return values.map((each): Field => [name, textOf(each, `headers.${name}`) ?? missing(`headers.${name}`)]);
  });
}

function line(name: string, value: string): string {
  if (!FIELD_VALUE.test(value)) throw invalid(`${name} has a character that no header can carry`);
  return fieldLine(name, value);
}

function objectOf(value: JsonValue | undefined, place: string, members?: readonly string[]): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw invalid(`${place} is not an object`);
  const object = value as JsonObject;
  const unknown = members && Object.keys(object).find((name) => !members.includes(name));
  if (unknown !== undefined) throw invalid(`${place} has members other than ${members?.join(', ')}`);
  return object;
}

function textOf(value: JsonValue | undefined, place: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw invalid(`${place} is not a string`);
}

function missing(place: string): never {
  throw invalid(`${place} is missing`);
}

function invalid(reason: string): Problem {
  return new Problem('invalid_request', reason);
}

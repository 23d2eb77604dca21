/**
 * What Envoy asks: `envoy.service.auth.v3.CheckRequest`, read from its bytes. Only the members that a decision needs are
 * read; one that comes twice is refused, since Envoy writes each once and whoever wins would be a guess.
 */
import { METHODS } from 'node:http';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { Problem } from '@sidegate/sdk';
import type { Question } from '../admin/judge-question.ts';
import { fieldLine, readFields } from '../net/fields.ts';

/** Field numbers of the messages from the outside in. */
const CHECK_REQUEST = { attributes: 1 } as const;
const ATTRIBUTE_CONTEXT = { source: 1, request: 4 } as const;
const PEER = { certificate: 5 } as const;
const REQUEST = { http: 2 } as const;
const HTTP_REQUEST = { method: 2, headers: 3, path: 4, host: 5, headerMap: 13 } as const;
const MAP_ENTRY = { key: 1, value: 2 } as const;
const HEADER_MAP = { headers: 1 } as const;
const HEADER_VALUE = { key: 1, value: 2, rawValue: 3 } as const;

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** As everywhere. */
const MAX_FIELDS = 100;

/** @throws Problem `invalid_request`, `too_many_headers`, `peer_identity_invalid` */
export function readCheckRequest(bytes: Uint8Array): Question {
  const attributes = messageAt(bytes, CHECK_REQUEST.attributes) ?? missing('attributes');
  const http = messageAt(messageAt(attributes, ATTRIBUTE_CONTEXT.request) ?? missing('request'), REQUEST.http);
  if (http === undefined) missing('request.http');
  const method = textAt(http, HTTP_REQUEST.method) || missing('request.http.method');
  if (!KNOWN_METHODS.has(method)) throw invalid('request.http.method is no method');
  const target = textAt(http, HTTP_REQUEST.path) || missing('request.http.path');
  const host = textAt(http, HTTP_REQUEST.host) || missing('request.http.host');
  const text =
    line('host', host) +
    fieldsOf(http)
      .map(([name, value]) => line(name, value))
      .join('');
  const source = messageAt(attributes, ATTRIBUTE_CONTEXT.source);
  const certificate = source === undefined ? '' : textAt(source, PEER.certificate);
  return {
    head: {
      method,
      target,
      version: '1.1',
      fields: readFields(Buffer.from(text, 'latin1'), text, 0, text.length),
    },
    certificate: certificate === '' ? undefined : decoded(certificate),
  };
}

type Field = readonly [name: string, value: string];

/** Those of `header_map`, where a header that came twice is there twice; without it, those of `headers`, joined by commas. */
function fieldsOf(http: Uint8Array): readonly Field[] {
  const map = messageAt(http, HTTP_REQUEST.headerMap);
  const fields =
    map === undefined
      ? all(http, HTTP_REQUEST.headers).map(
          (entry): Field => [textAt(entry, MAP_ENTRY.key), textAt(entry, MAP_ENTRY.value)],
        )
      : all(map, HEADER_MAP.headers).map(
          (each): Field => [
            textAt(each, HEADER_VALUE.key),
            textAt(each, HEADER_VALUE.rawValue) || textAt(each, HEADER_VALUE.value),
          ],
        );
  // The request line of HTTP/2, and what Envoy makes of it: they have members of their own.
  const sent = fields.filter(([name]) => !name.startsWith(':') && name !== 'host');
  if (sent.length > MAX_FIELDS) throw new Problem('too_many_headers', `${sent.length} header fields`);
  return sent;
}

function line(name: string, value: string): string {
  if (!FIELD_NAME.test(name)) throw invalid('a header has a name that is none');
  if (!FIELD_VALUE.test(value)) throw invalid(`${name} has a character that no header can carry`);
  return fieldLine(name, value);
}

/** Envoy encodes it as in a URL. */
function decoded(certificate: string): string {
  try {
    return decodeURIComponent(certificate);
  } catch (error) {
    throw new Problem('peer_identity_invalid', 'source.certificate is not URL-encoded', { cause: error });
  }
}

function messageAt(bytes: Uint8Array, field: number): Uint8Array | undefined {
  const [message, another] = all(bytes, field);
  if (another !== undefined) throw invalid(`field ${field} comes twice`);
  return message;
}

/** A character is a byte, as in a header; empty when it is absent, as in protobuf. */
function textAt(bytes: Uint8Array, field: number): string {
  const value = messageAt(bytes, field);
  return value === undefined ? '' : Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
}

/** Every occurrence of a member that is a message, a text or bytes. */
function all(bytes: Uint8Array, field: number): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag();
      if (number !== field) reader.skip(type, number);
      else if (type === WireType.LengthDelimited) found.push(reader.bytes());
      else throw invalid(`field ${field} has another type`);
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('invalid_request', 'the question is no protobuf message', { cause: error });
  }
  return found;
}

function missing(member: string): never {
  throw invalid(`attributes.${member} is missing`);
}

function invalid(reason: string): Problem {
  return new Problem('invalid_request', reason);
}

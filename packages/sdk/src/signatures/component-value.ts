/** The value of one component, RFC 9421 sections 2.1 and 2.2. */
import { type Dictionary, serializeDictionary } from 'structured-headers';
import { Problem } from '../problem.ts';
import type { Component } from './component.ts';
import { derivedFromRequest } from './derived.ts';
import { isResponse, type SignedMessage, valuesOf } from './message.ts';
import { canonicalField, readDictionary, type StructuredType } from './structured-fields.ts';

/** What `sf` knows how to read; a field that is not here has no canonical form. */
const STRUCTURED: ReadonlyMap<string, StructuredType> = new Map([
  ['accept-signature', 'dictionary'],
  ['cache-status', 'list'],
  ['client-cert', 'item'],
  ['client-cert-chain', 'list'],
  ['content-digest', 'dictionary'],
  ['priority', 'dictionary'],
  ['proxy-status', 'list'],
  ['repr-digest', 'dictionary'],
  ['signature', 'dictionary'],
  ['signature-input', 'dictionary'],
  ['want-content-digest', 'dictionary'],
  ['want-repr-digest', 'dictionary'],
]);

/** Types of fields beside those that everyone knows; names in lower case. */
export type StructuredFields = Readonly<Record<string, StructuredType>>;

/** @throws Problem `signature_invalid`, `invalid_request` */
export function componentValue(message: SignedMessage, component: Component, structured: StructuredFields): string {
  const source = sourceOf(message, component);
  const value = component.name.startsWith('@') ? derived(source, component) : fieldValue(source, component, structured);
  // a line break would let a value pose as further lines of the base
  if (!/^[\x20-\x7e\t]*$/.test(value)) throw missing(component, 'has characters that cannot be signed');
  return value;
}

function sourceOf(message: SignedMessage, component: Component): SignedMessage {
  if (!component.parameters.has('req')) return message;
  if (!isResponse(message) || message.request === undefined)
    throw missing(component, 'is of a request that is not known');
  return message.request;
}

function derived(message: SignedMessage, component: Component): string {
  if (isResponse(message)) {
    if (component.name !== '@status') throw missing(component, 'is not part of a response');
    return String(message.status);
  }
  const value = derivedFromRequest(message, component);
  if (value === undefined) throw missing(component, 'has no value in this message, or more than one');
  return value;
}

function fieldValue(message: SignedMessage, component: Component, structured: StructuredFields): string {
  const { name, parameters } = component;
  const lines = parameters.has('tr') ? (message.trailers ?? []) : message.headers;
  const values = valuesOf(lines, name).map(unfolded);
  if (values.length === 0) throw missing(component, 'is not in this message');
  if (parameters.has('bs'))
    return values.map((value) => `:${Buffer.from(value, 'latin1').toString('base64')}:`).join(', ');
  const combined = values.join(', ');
  const key = parameters.get('key');
  if (typeof key === 'string') return memberValue(readDictionary(combined, name), key, component);
  if (!parameters.has('sf')) return combined;
  const type = STRUCTURED.get(name) ?? (Object.hasOwn(structured, name) ? structured[name] : undefined);
  if (type === undefined) throw missing(component, 'has no known structure');
  return canonicalField(combined, type, name);
}

/** A member is written without its key; `true` is written out. */
function memberValue(dictionary: Dictionary, key: string, component: Component): string {
  const member = dictionary.get(key);
  if (member === undefined) throw missing(component, 'names a member that is not there');
  const written = serializeDictionary(new Map([[key, member]])).slice(key.length);
  return written.startsWith('=') ? written.slice(1) : `?1${written}`;
}

/** Leading and trailing white space dropped, obsolete line folding replaced by one space, RFC 9421 section 2.1. */
function unfolded(value: string): string {
  return value.replaceAll(/[ \t]*\r?\n[ \t]+/g, ' ').replaceAll(/^[ \t]+|[ \t]+$/g, '');
}

function missing({ name }: Component, what: string): Problem {
  return new Problem('signature_invalid', `the signed component ${name} ${what}`);
}

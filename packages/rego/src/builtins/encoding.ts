/** `json.*`, `base64.*`, `base64url.*`, `hex.*`, `urlquery.*` and `yaml.*`. */
import { namedMembers, parseJson, toJson } from '../value/json.ts';
import { type Entry, isObject, objectEntries, objectFromEntries } from '../value/object.ts';
import type { Value } from '../value/value.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { type Builtin, BuiltinError } from './builtin.ts';
import { fromBytes, toBytes } from './bytes.ts';
import { membersOf, objectOperand, operandError, operandTypeError, stringOperand, typeName } from './operand.ts';
import { isPrintable, regoText } from './text.ts';
import { ANY, arrayOf, BOOLEAN, objectOf, STRING, setOf, shape, type Type, union } from './type.ts';
import { queryEscape, unescapePercent } from './url-escape.ts';
import { readYaml } from './yaml/read.ts';
import { writeYaml } from './yaml/write.ts';

export const ENCODING: readonly Builtin[] = [
  { name: 'json.marshal', args: [ANY], result: STRING, evaluate: (_, value) => toJson(value) },
  {
    name: 'json.marshal_with_options',
    args: [ANY, shape({ pretty: BOOLEAN, indent: STRING, prefix: STRING }, { key: STRING, value: ANY })],
    result: STRING,
    evaluate: (_, value, options) => marshalWithOptions(value, options),
  },
  { name: 'json.unmarshal', args: [STRING], result: ANY, evaluate: (_, text) => unmarshal(stringOperand(text, 1)) },
  validator('json.is_valid', STRING, parseJson),
  map('base64.encode', (text) => encodeBase64(toBytes(text), 'base64')),
  map('base64.decode', (text) => fromBytes(decodeBase64(text, 'base64'))),
  validator('base64.is_valid', STRING, (text) => decodeBase64(text, 'base64')),
  map('base64url.encode', (text) => encodeBase64(toBytes(text), 'base64url')),
  map('base64url.encode_no_pad', (text) => encodeBase64(toBytes(text), 'base64url', false)),
  map('base64url.decode', decodeBase64Url),
  map('hex.encode', (text) => toHex(toBytes(text))),
  map('hex.decode', decodeHex),
  map('urlquery.encode', queryEscape),
  map('urlquery.decode', (text) => unescapePercent(text, true)),
  {
    name: 'urlquery.encode_object',
    args: [objectOf(STRING, union(STRING, arrayOf(STRING), setOf(STRING)))],
    result: STRING,
    evaluate: (_, object) => encodeQuery(object),
  },
  {
    name: 'urlquery.decode_object',
    args: [STRING],
    result: objectOf(STRING, arrayOf(STRING)),
    evaluate: (_, query) => decodeQuery(stringOperand(query, 1)),
  },
  {
    name: 'yaml.marshal',
    args: [ANY],
    result: STRING,
    evaluate: (_, value) => writeYaml(value),
  },
  {
    name: 'yaml.unmarshal',
    args: [STRING],
    result: ANY,
    evaluate: (_, text) => readYaml(stringOperand(text, 1)),
  },
  {
    name: 'yaml.is_valid',
    args: [STRING],
    result: BOOLEAN,
    evaluate: (_, text) => typeof text === 'string' && succeeds(() => readYaml(text)),
  },
];

function map(name: string, apply: (text: string) => string): Builtin {
  return { name, args: [STRING], result: STRING, evaluate: (_, text) => apply(stringOperand(text, 1)) };
}

function validator(name: string, argument: Type, parse: (text: string) => unknown): Builtin {
  return {
    name,
    args: [argument],
    result: BOOLEAN,
    evaluate: (_, text) => typeof text === 'string' && succeeds(() => parse(text)),
  };
}

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof BuiltinError) return false;
    throw error;
  }
}

export function unmarshal(text: string): Value {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new BuiltinError(error.message);
    throw error;
  }
}

function marshalWithOptions(value: Value, options: Value): string {
  let prefix = '';
  let indent = '\t';
  let implied = false;
  let asked: boolean | undefined;
  for (const [index, [key, option]] of objectEntries(objectOperand(options, 2)).entries()) {
    if (typeof key !== 'string') {
      const why = `operand 0 must be string but got ${typeName(key)}`;
      throw operandError(2, `failed to stringify key ${regoText(key)} at index ${index}: ${why}`);
    }
    if (key === 'pretty') {
      if (typeof option !== 'boolean') throw operandError(2, 'key "pretty" failed cast to bool');
      asked = option;
    } else if (key === 'prefix' || key === 'indent') {
      if (typeof option !== 'string') {
        throw operandError(
          2,
          `key "${key}" failed cast to string: operand 0 must be string but got ${typeName(option)}`,
        );
      }
      if (key === 'prefix') prefix = option;
      else indent = option;
      implied = true;
    } else throw operandError(2, `object contained unknown key ${regoText(key)}`);
  }
  return (asked ?? implied) ? prefix + indented(value, prefix, indent) : toJson(value);
}

/** Go's `json.MarshalIndent`. */
function indented(value: Value, prefix: string, indent: string, depth = 0): string {
  const inner = `\n${prefix}${indent.repeat(depth + 1)}`;
  const outer = `\n${prefix}${indent.repeat(depth)}`;
  const members = membersOf(value);
  if (members !== undefined) {
    if (members.length === 0) return '[]';
    return `[${members.map((item) => inner + indented(item, prefix, indent, depth + 1)).join()}${outer}]`;
  }
  if (!isObject(value)) return toJson(value);
  const entries = namedMembers(value);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([name, item]) => `${inner}${toJson(name)}: ${indented(item, prefix, indent, depth + 1)}`);
  return `{${lines.join()}${outer}}`;
}

/** With or without padding (RFC 7515 Appendix C). */
export function decodeBase64Url(text: string): string {
  const length = toBytes(text).length;
  if (text.endsWith('=') || length % 4 === 0) return fromBytes(decodeBase64(text, 'base64url'));
  if (length % 4 === 1) throw new BuiltinError(`illegal base64url string: ${text}`);
  return fromBytes(decodeBase64(text + '='.repeat(4 - (length % 4)), 'base64url'));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function decodeHex(text: string): string {
  const bytes: number[] = [];
  const source = toBytes(text);
  for (let at = 0; at < source.length; at += 1) {
    const char = String.fromCharCode(source[at] ?? 0);
    if (!/[0-9A-Fa-f]/.test(char)) {
      const code = char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
      throw new BuiltinError(`encoding/hex: invalid byte: U+${code}${isPrintable(char) ? ` '${char}'` : ''}`);
    }
    if (at % 2 === 1) bytes.push(Number.parseInt(text.slice(at - 1, at + 1), 16));
  }
  if (text.length % 2 === 1) throw new BuiltinError('encoding/hex: odd length hex string');
  return fromBytes(Uint8Array.from(bytes));
}

function encodeQuery(object: Value): string {
  if (!isObject(object)) throw operandTypeError(1, object, 'object');
  const pairs = objectEntries(object).flatMap(([key, value]) => {
    const name = queryEscape(typeof key === 'string' ? key : toJson(key));
    const values = typeof value === 'string' ? [value] : membersOf(value);
    return (values ?? [null]).map((item) => {
      if (typeof item !== 'string') throw operandError(1, 'values must be string, array[string], or set[string]');
      return `${name}=${queryEscape(item)}`;
    });
  });
  return pairs.join('&');
}

function decodeQuery(query: string): Value {
  const values = new Map<string, string[]>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    if (pair.includes(';')) throw new BuiltinError('invalid semicolon separator in query');
    const cut = pair.indexOf('=');
    const key = unescapePercent(cut < 0 ? pair : pair.slice(0, cut), true);
    const value = unescapePercent(cut < 0 ? '' : pair.slice(cut + 1), true);
    const known = values.get(key);
    if (known === undefined) values.set(key, [value]);
    else known.push(value);
  }
  return objectFromEntries([...values].map(([key, list]): Entry => [key, list]));
}

/** Writes values as Go's yaml does: block style, two spaces, and quotes only where a text would be read as something else. */
import { namedMembers } from '../../value/json.ts';
import { isNumber, numberText } from '../../value/number.ts';
import { isObject } from '../../value/object.ts';
import type { Value } from '../../value/value.ts';
import { formatFloat } from '../go-float.ts';
import { membersOf } from '../operand.ts';
import { inKeyOrder } from './key-order.ts';
import { isOldScalar, resolveScalar } from './scalar.ts';
import { canBeLiteral, canBePlain, canBeSingle, doubleQuoted, literal, singleQuoted } from './text-style.ts';

/** Longer keys are written behind a question mark. */
const MAX_SIMPLE_KEY = 128;
const STEP = 2;

export function writeYaml(value: Value): string {
  const text = node(value, 0, false);
  return text.endsWith('\n') ? text : `${text}\n`;
}

/** @param indent of a collection's lines; the text begins where its first line would */
function node(value: Value, indent: number, isKey: boolean): string {
  if (typeof value === 'string') return textScalar(value.toWellFormed(), indent, isKey);
  if (isNumber(value)) return numberScalar(numberText(value));
  if (value === null || typeof value === 'boolean') return String(value);
  return isObject(value) ? mapping(namedMembers(value), indent) : sequence(membersOf(value) ?? [], indent);
}

function sequence(items: readonly Value[], indent: number): string {
  if (items.length === 0) return '[]';
  return lines(
    items.map((item) => `- ${node(item, indent + STEP, false)}`),
    indent,
  );
}

function mapping(members: readonly (readonly [key: string, value: Value])[], indent: number): string {
  if (members.length === 0) return '{}';
  return lines(
    inKeyOrder(members).map(([key, value]) => entry(key, value, indent)),
    indent,
  );
}

function entry(key: string, value: Value, indent: number): string {
  const isSimple = isShort(key) && !/[\n\u2028\u2029\u0085\r]/.test(key);
  if (!isSimple) {
    const written = node(key, indent + STEP, false);
    return `? ${written}${written.endsWith('\n') ? '' : '\n'}${' '.repeat(indent)}: ${node(value, indent + STEP, false)}`;
  }
  const below = (isObject(value) ? namedMembers(value) : (membersOf(value) ?? [])).length > 0;
  const text = node(value, indent + STEP, false);
  return `${node(key, indent, true)}:${below ? `\n${' '.repeat(indent + STEP)}` : ' '}${text}`;
}

/** In bytes, of which a character may have three times as many. */
function isShort(key: string): boolean {
  return key.length * 3 <= MAX_SIMPLE_KEY || new TextEncoder().encode(key).length <= MAX_SIMPLE_KEY;
}

function lines(entries: readonly string[], indent: number): string {
  const [last = ''] = entries.slice(-1);
  const before = entries.slice(0, -1).map((one) => (one.endsWith('\n') ? one : `${one}\n`));
  return [...before, last].join(' '.repeat(indent));
}

/** Go reads the JSON text of a number as YAML, and writes what it has read. */
function numberScalar(text: string): string {
  const scalar = resolveScalar(text);
  if (scalar.kind === 'integer') return String(scalar.value);
  return scalar.kind === 'float' ? formatFloat(scalar.value, 'g') : text;
}

function textScalar(text: string, indent: number, isKey: boolean): string {
  if (text.includes('\n'))
    return canBeLiteral(text) && !isKey ? literal(text, Math.max(indent, STEP)) : doubleQuoted(text);
  if (resolveScalar(text).kind !== 'text' || isOldScalar(text)) return doubleQuoted(text);
  if (canBePlain(text)) return text;
  return canBeSingle(text) && !(isKey && /[\u2028\u2029]/.test(text)) ? singleQuoted(text, indent) : doubleQuoted(text);
}

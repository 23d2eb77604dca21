/** Whether a JSON Schema (drafts 4 to 7) is one, with OPA's texts for the first thing that is wrong. */
import { RE2JS } from 're2js';
import { compare } from '../../value/compare.ts';
import { isNumber } from '../../value/number.ts';
import { isObject, objectEntries, objectGet } from '../../value/object.ts';
import { setFrom } from '../../value/set.ts';
import type { ObjectValue, Value } from '../../value/value.ts';
import { BuiltinError } from '../builtin.ts';
import { resolveReference } from './reference.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'null', 'object', 'string'];
const NUMBERS = ['minimum', 'maximum'];
const COUNTS = ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'];

/** @throws BuiltinError */
export function checkSchema(schema: Value, root: Value): void {
  if (typeof schema === 'boolean') return;
  if (!isObject(schema)) throw new BuiltinError('schema is invalid');
  checkMetadata(schema);
  const reference = objectGet(schema, '$ref');
  if (reference !== undefined) {
    resolveReference(reference, root);
    return;
  }
  checkType(objectGet(schema, 'type'));
  for (const name of ['definitions', 'properties', 'patternProperties']) checkSchemaMap(schema, name, root);
  checkSubschemas(schema, root);
  checkLimits(schema);
  checkLists(schema, root);
}

function fail(message: string): BuiltinError {
  return new BuiltinError(message);
}

function checkMetadata(schema: ObjectValue): void {
  for (const name of ['$ref', '$id', 'title', 'description', 'format']) {
    const value = objectGet(schema, name);
    if (value !== undefined && typeof value !== 'string') throw fail(`${name} must be of a string`);
  }
}

function checkType(type: Value | undefined): void {
  if (type === undefined) return;
  const names = typeof type === 'string' ? [type] : type;
  if (!Array.isArray(names)) throw fail('Invalid type. Expected: type, given: string/Array Of Strings');
  const seen = new Set<Value>();
  for (const name of names as readonly Value[]) {
    if (typeof name !== 'string') throw fail('Invalid type. Expected: type, given: string/Array Of Strings');
    if (!TYPES.includes(name)) {
      throw fail(
        `has a primitive type that is NOT VALID -- given: /${name}/ Expected valid values are:[${TYPES.join(' ')}]`,
      );
    }
    if (seen.has(name)) throw fail(`${name} type is duplicated`);
    seen.add(name);
  }
}

function isSchema(value: Value): boolean {
  return typeof value === 'boolean' || isObject(value);
}

function checkSchemaMap(schema: ObjectValue, name: string, root: Value): void {
  const map = objectGet(schema, name);
  if (map === undefined) return;
  if (!isObject(map)) throw fail(`Invalid type. Expected: Valid Schema, given: ${name}`);
  for (const [key, value] of objectEntries(map)) {
    if (!isSchema(value)) throw fail('Expected: Valid Schema, given: Invalid JSON');
    if (name === 'patternProperties') checkPattern(key, `${key as string} is not a valid regex`);
    checkSchema(value, root);
  }
}

function checkPattern(pattern: Value, message: string): void {
  try {
    RE2JS.compile(pattern as string);
  } catch {
    throw fail(message);
  }
}

function checkSubschemas(schema: ObjectValue, root: Value): void {
  for (const [name, expected] of [
    ['additionalProperties', 'boolean/Valid Schema'],
    ['additionalItems', 'boolean/Valid Schema'],
    ['propertyNames', 'Valid Schema'],
    ['contains', 'Valid Schema'],
    ['not', 'Valid Schema'],
    ['if', 'Valid Schema'],
    ['then', 'Valid Schema'],
    ['else', 'Valid Schema'],
  ] as const) {
    const value = objectGet(schema, name);
    if (value === undefined) continue;
    if (!isSchema(value)) throw fail(`Invalid type. Expected: ${expected}, given: ${name}`);
    checkSchema(value, root);
  }
  const items = objectGet(schema, 'items');
  if (items === undefined) return;
  const list = Array.isArray(items) ? (items as readonly Value[]) : [items];
  for (const item of list) {
    if (!isSchema(item)) throw fail('Invalid type. Expected: Valid Schema/Array Of Schemas, given: items');
    checkSchema(item, root);
  }
}

function checkLimits(schema: ObjectValue): void {
  const multiple = objectGet(schema, 'multipleOf');
  if (multiple !== undefined && !isNumber(multiple)) throw fail('Invalid type. Expected: number, given: multipleOf');
  if (multiple !== undefined && compare(multiple, 0) <= 0) throw fail('multipleOf must be strictly greater than 0');
  for (const name of NUMBERS) {
    const value = objectGet(schema, name);
    if (value !== undefined && !isNumber(value)) throw fail(`${name} must be of a Number`);
  }
  for (const name of COUNTS) {
    const value = objectGet(schema, name);
    if (value === undefined) continue;
    if (!isNumber(value) || !Number.isInteger(value)) throw fail(`${name} must be of an integer`);
    if (compare(value, 0) < 0) throw fail(`${name} must be greater than or equal to 0`);
  }
  for (const what of ['Length', 'Items', 'Properties']) {
    const [least, most] = [objectGet(schema, `min${what}`), objectGet(schema, `max${what}`)];
    if (least !== undefined && most !== undefined && compare(least, most) > 0) {
      throw fail(`min${what} cannot be greater than max${what}`);
    }
  }
  const pattern = objectGet(schema, 'pattern');
  if (pattern !== undefined && typeof pattern !== 'string') throw fail('pattern must be of a string');
  if (pattern !== undefined) checkPattern(pattern, 'pattern must be a valid regex');
  const unique = objectGet(schema, 'uniqueItems');
  if (unique !== undefined && typeof unique !== 'boolean') throw fail('uniqueItems must be of a boolean');
}

function checkLists(schema: ObjectValue, root: Value): void {
  const required = objectGet(schema, 'required');
  if (required !== undefined) {
    if (!Array.isArray(required)) throw fail('required must be of an array');
    const names = required as readonly Value[];
    if (names.some((name) => typeof name !== 'string')) throw fail('required items must be string');
    if (setFrom(names).size !== names.length) throw fail('required items must be unique');
  }
  const choices = objectGet(schema, 'enum');
  if (choices !== undefined && !Array.isArray(choices)) throw fail('enum must be of an array');
  for (const name of ['oneOf', 'anyOf', 'allOf']) {
    const list = objectGet(schema, name);
    if (list === undefined) continue;
    if (!Array.isArray(list)) throw fail(`Invalid type. Expected: array, given: ${name}`);
    for (const item of list as readonly Value[]) checkSchema(item, root);
  }
  const dependencies = objectGet(schema, 'dependencies');
  if (dependencies === undefined) return;
  if (!isObject(dependencies)) throw fail('Invalid type. Expected: object, given: dependencies');
  for (const [, value] of objectEntries(dependencies)) {
    if (Array.isArray(value)) continue;
    if (!isSchema(value)) throw fail('Dependency must be of type Schema Or Array Of Strings');
    checkSchema(value, root);
  }
}

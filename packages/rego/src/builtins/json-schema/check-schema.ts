/** Whether a JSON Schema (drafts 4 to 7) is one, with OPA's texts for the first thing that is wrong. */
import { RE2JS } from 're2js';
import { compare } from '../../value/compare.ts';
import { isNumber, toMachineInteger } from '../../value/number.ts';
import { isObject, objectEntries, objectGet } from '../../value/object.ts';
import { setFrom } from '../../value/set.ts';
import type { ObjectValue, Value } from '../../value/value.ts';
import { BuiltinError } from '../builtin.ts';
import { type Draft, draftOf, HYBRID } from './draft.ts';
import { resolveReference } from './reference.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'null', 'object', 'string'];
const SCHEMA = 'Valid Schema';

/** @throws BuiltinError */
export function checkSchema(root: Value): void {
  new SchemaCheck(root, draftOf(root)).check(root);
}

/** What stands under each keyword is looked at in the order of OPA's library, so that the same mistake is told first. */
class SchemaCheck {
  readonly #root: Value;
  readonly #draft: Draft;
  readonly #references = new Set<string>();

  constructor(root: Value, draft: Draft) {
    this.#root = root;
    this.#draft = draft;
  }

  check(schema: Value): void {
    if (typeof schema === 'boolean' && this.#draft >= 6) return;
    if (!isObject(schema)) throw fail(`Expected: ${SCHEMA}, given: Invalid JSON`);
    text(schema, this.#idKeyword(schema));
    this.#checkDefinitions(schema);
    text(schema, 'title');
    text(schema, 'description');
    const reference = text(schema, '$ref');
    if (reference !== undefined) this.#checkReference(reference);
    else this.#checkKeywords(schema);
  }

  #idKeyword(schema: ObjectValue): string {
    if (this.#draft === 4) return 'id';
    return this.#draft === HYBRID && objectGet(schema, 'id') !== undefined ? 'id' : '$id';
  }

  #checkReference(reference: string): void {
    if (this.#references.has(reference)) return;
    this.#references.add(reference);
    const target = resolveReference(reference, this.#root);
    if (!isSchema(target)) throw fail(`${SCHEMA} must be of type object`);
    this.check(target);
  }

  #checkKeywords(schema: ObjectValue): void {
    checkType(objectGet(schema, 'type'));
    this.#checkProperties(schema);
    this.#checkItems(schema);
    checkNumbers(schema, this.#draft);
    checkCounts(schema, 'Length', true);
    checkPattern(schema);
    text(schema, 'format');
    checkCounts(schema, 'Properties', true);
    checkRequired(schema);
    checkCounts(schema, 'Items', false);
    checkUnique(schema);
    const contains = objectGet(schema, 'contains');
    if (contains !== undefined && this.#draft >= 6) this.check(contains);
    checkEnum(schema);
    for (const name of ['oneOf', 'anyOf', 'allOf']) for (const one of list(schema, name)) this.check(one);
    this.#checkBranch(schema, 'not');
    if (this.#draft >= 7) for (const name of ['if', 'then', 'else']) this.#checkBranch(schema, name);
  }

  #checkDefinitions(schema: ObjectValue): void {
    const definitions = objectGet(schema, 'definitions');
    if (definitions === undefined) return;
    const values = isObject(definitions) ? objectEntries(definitions).map(([, one]) => one) : [null];
    for (const one of values) {
      if (!isSchema(one)) throw invalidType('Array Of Schemas', 'definitions');
      this.check(one);
    }
  }

  #checkProperties(schema: ObjectValue): void {
    const properties = objectGet(schema, 'properties');
    if (properties !== undefined) {
      if (!isObject(properties)) throw fail('Properties must be of type object');
      for (const [, one] of objectEntries(properties)) this.check(one);
    }
    this.#checkAdditional(schema, 'additionalProperties');
    const patterns = objectGet(schema, 'patternProperties');
    if (patterns !== undefined) {
      if (!isObject(patterns)) throw invalidType(SCHEMA, 'patternProperties');
      for (const [pattern, one] of objectEntries(patterns)) {
        if (!isPattern(pattern as string)) throw fail(`Invalid regex pattern '${pattern as string}'`);
        this.check(one);
      }
    }
    const names = objectGet(schema, 'propertyNames');
    if (names !== undefined && this.#draft >= 6) {
      // The library names the wrong keyword here.
      if (!isSchema(names)) throw invalidType(SCHEMA, 'patternProperties');
      this.check(names);
    }
    this.#checkDependencies(schema);
  }

  #checkDependencies(schema: ObjectValue): void {
    const dependencies = objectGet(schema, 'dependencies');
    if (dependencies === undefined) return;
    if (!isObject(dependencies)) throw fail('dependencies must be of type object');
    for (const [, one] of objectEntries(dependencies)) {
      if (Array.isArray(one) ? one.some((name) => typeof name !== 'string') : !isSchema(one)) {
        throw fail('Dependency must be of type Schema Or Array Of Strings');
      }
      if (!Array.isArray(one)) this.check(one);
    }
  }

  #checkItems(schema: ObjectValue): void {
    const items = objectGet(schema, 'items');
    for (const one of Array.isArray(items) ? (items as readonly Value[]) : [items]) {
      if (one === undefined) continue;
      if (!isSchema(one)) throw invalidType(`${SCHEMA}/Array Of Schemas`, 'items');
      this.check(one);
    }
    this.#checkAdditional(schema, 'additionalItems');
  }

  /** A flag in every draft, even where a schema is none. */
  #checkAdditional(schema: ObjectValue, name: string): void {
    const value = objectGet(schema, name);
    if (value === undefined || typeof value === 'boolean') return;
    if (!isObject(value)) throw invalidType(`boolean/${SCHEMA}`, name);
    this.check(value);
  }

  #checkBranch(schema: ObjectValue, name: string): void {
    const value = objectGet(schema, name);
    if (value === undefined) return;
    if (!isSchema(value)) throw fail(`${name} must be of an object`);
    this.check(value);
  }
}

function fail(message: string): BuiltinError {
  return new BuiltinError(message);
}

function invalidType(expected: string, given: string): BuiltinError {
  return fail(`Invalid type. Expected: ${expected}, given: ${given}`);
}

function text(schema: ObjectValue, name: string): string | undefined {
  const value = objectGet(schema, name);
  if (value !== undefined && typeof value !== 'string') throw invalidType('string', name);
  return value;
}

function list(schema: ObjectValue, name: string): readonly Value[] {
  const value = objectGet(schema, name);
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw fail(`${name} must be of an array`);
  return value as readonly Value[];
}

function isSchema(value: Value): boolean {
  return typeof value === 'boolean' || isObject(value);
}

function checkType(type: Value | undefined): void {
  if (type === undefined) return;
  const names = typeof type === 'string' ? [type] : type;
  if (!Array.isArray(names)) throw invalidType('type', 'string/Array Of Strings');
  const seen = new Set<Value>();
  for (const name of names as readonly Value[]) {
    if (typeof name !== 'string') throw invalidType('type', 'string/Array Of Strings');
    if (!TYPES.includes(name)) {
      throw fail(
        `has a primitive type that is NOT VALID -- given: /${name}/ Expected valid values are:[${TYPES.join(' ')}]`,
      );
    }
    if (seen.has(name)) throw fail(`${name} type is duplicated`);
    seen.add(name);
  }
}

function isPattern(pattern: string): boolean {
  try {
    RE2JS.compile(pattern);
    return true;
  } catch {
    return false;
  }
}

function checkPattern(schema: ObjectValue): void {
  const pattern = text(schema, 'pattern');
  if (pattern !== undefined && !isPattern(pattern)) throw fail('pattern must be a valid regex');
}

function checkNumbers(schema: ObjectValue, draft: Draft): void {
  const multiple = objectGet(schema, 'multipleOf');
  if (multiple !== undefined && !isNumber(multiple)) throw invalidType('Number', 'multipleOf');
  if (multiple !== undefined && compare(multiple, 0) <= 0) throw fail('multipleOf must be strictly greater than 0');
  for (const [name, exclusive] of [
    ['minimum', 'exclusiveMinimum'],
    ['maximum', 'exclusiveMaximum'],
  ] as const) {
    const bound = objectGet(schema, name);
    if (bound !== undefined && !isNumber(bound)) throw fail(`${name} must be of a Number`);
    const strict = objectGet(schema, exclusive);
    if (strict === undefined) continue;
    const [asFlag, asNumber] = [draft === 4 || draft === HYBRID, draft !== 4];
    if (!(typeof strict === 'boolean' ? asFlag : isNumber(strict) && asNumber)) {
      throw invalidType([asFlag ? 'boolean' : '', asNumber ? 'number' : ''].filter(Boolean).join('/'), exclusive);
    }
    if (typeof strict === 'boolean' && bound === undefined) throw fail(`${exclusive} cannot be used without ${name}`);
  }
}

/** `minItems` may be greater than `maxItems`: the library does not look. */
function checkCounts(schema: ObjectValue, what: string, ordered: boolean): void {
  const [least, most] = [`min${what}`, `max${what}`].map((name) => {
    const value = objectGet(schema, name);
    if (value === undefined) return undefined;
    const count = isNumber(value) ? toMachineInteger(value) : undefined;
    if (count === undefined) throw fail(`${name} must be of an integer`);
    if (count < 0) throw fail(`${name} must be greater than or equal to 0`);
    return count;
  });
  if (ordered && least !== undefined && most !== undefined && least > most) {
    throw fail(`min${what} cannot be greater than max${what}`);
  }
}

function checkRequired(schema: ObjectValue): void {
  const seen = new Set<Value>();
  for (const name of list(schema, 'required')) {
    if (typeof name !== 'string') throw invalidType('string', 'required');
    if (seen.has(name)) throw fail('required items must be unique');
    seen.add(name);
  }
}

function checkUnique(schema: ObjectValue): void {
  const unique = objectGet(schema, 'uniqueItems');
  if (unique !== undefined && typeof unique !== 'boolean') throw fail('uniqueItems must be of a boolean');
}

function checkEnum(schema: ObjectValue): void {
  const choices = list(schema, 'enum');
  if (setFrom(choices).size < choices.length) throw fail('enum items must be unique');
}

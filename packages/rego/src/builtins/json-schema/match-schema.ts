/** Validates documents against a JSON Schema (drafts 4 to 7), reporting as OPA's library does. */
import { RE2JS } from 're2js';
import { compare, equal } from '../../value/compare.ts';
import { toPlainJson } from '../../value/json.ts';
import { type BigNumber, divide, isNumber, numberText, toInteger } from '../../value/number.ts';
import { isObject, objectEntries, objectGet, objectSize } from '../../value/object.ts';
import type { ObjectValue, Value } from '../../value/value.ts';
import { runeCount } from '../aggregates.ts';
import { type BuiltinContext, BuiltinError } from '../builtin.ts';
import { type Draft, draftOf } from './draft.ts';
import { hasFormat } from './formats.ts';
import { resolveReference } from './reference.ts';

export interface SchemaError {
  readonly field: string;
  readonly type: string;
  readonly description: string;
}

const MAX_DEPTH = 500;

/** What is wrong with the document; nothing when it matches. The schema has passed `checkSchema`. */
export function matchSchema(context: BuiltinContext, schema: Value, document: Value): readonly SchemaError[] {
  const result = new Result();
  new Matcher(context, schema).match(schema, document, [], result);
  return result.errors;
}

/** Errors, and a score that tells which alternative came closest. */
class Result {
  readonly errors: SchemaError[] = [];
  score = 0;

  add(path: readonly string[], type: string, description: string): void {
    this.errors.push({ field: path.length === 0 ? '(Root)' : path.join('.'), type, description });
    this.score -= 2;
  }

  merge(other: Result): void {
    this.errors.push(...other.errors);
    this.score += other.score;
  }

  get isValid(): boolean {
    return this.errors.length === 0;
  }
}

type Path = readonly string[];

class Matcher {
  readonly #context: BuiltinContext;
  readonly #root: Value;
  readonly #draft: Draft;
  #depth = 0;

  constructor(context: BuiltinContext, root: Value) {
    this.#context = context;
    this.#root = root;
    this.#draft = draftOf(root);
  }

  /** What stands under a keyword, when the draft has it. */
  #since(draft: Draft, schema: ObjectValue, keyword: string): Value | undefined {
    return this.#draft >= draft ? objectGet(schema, keyword) : undefined;
  }

  match(schema: Value, value: Value, path: Path, result: Result): void {
    this.#context.spend(1);
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new BuiltinError('schema nests too deeply');
    if (schema === false) result.add(path, 'false', 'False always fails validation');
    else if (isObject(schema)) this.#matchObjectSchema(schema, value, path, result);
    this.#depth -= 1;
  }

  #matchObjectSchema(schema: ObjectValue, value: Value, path: Path, result: Result): void {
    const reference = objectGet(schema, '$ref');
    if (typeof reference === 'string') {
      this.match(resolveReference(reference, this.#root), value, path, result);
      return;
    }
    const given = typeOf(value);
    const types = typesOf(schema);
    if (types.length > 0 && !types.includes(given) && !(given === 'integer' && types.includes('number'))) {
      const expected = types.length === 1 ? types[0] : `[${types.join(',')}]`;
      result.add(path, 'invalid_type', `Invalid type. Expected: ${expected}, given: ${given}`);
      return;
    }
    this.#matchCombinations(schema, value, path, result);
    if (isNumber(value)) matchNumber(schema, value, path, result);
    else if (typeof value === 'string') this.#matchString(schema, value, path, result);
    else if (Array.isArray(value)) this.#matchArray(schema, value as readonly Value[], path, result);
    else if (isObject(value)) this.#matchObject(schema, value, path, result);
    matchCommon(schema, this.#since(6, schema, 'const'), value, path, result);
    if (!isObject(value)) return;
    const properties = objectGet(schema, 'properties');
    if (properties === undefined || !isObject(properties)) return;
    for (const [name, child] of objectEntries(properties)) {
      const item = objectGet(value, name);
      if (item !== undefined) result.merge(this.#try(child, item, [...path, name as string]));
    }
  }

  #try(schema: Value, value: Value, path: Path): Result {
    const result = new Result();
    this.match(schema, value, path, result);
    return result;
  }

  #matchCombinations(schema: ObjectValue, value: Value, path: Path, result: Result): void {
    const anyOf = alternatives(schema, 'anyOf').map((one) => this.#try(one, value, path));
    if (anyOf.length > 0 && !anyOf.some(({ isValid }) => isValid)) {
      result.add(path, 'number_any_of', 'Must validate at least one schema (anyOf)');
      result.merge(closest(anyOf));
    }
    const oneOf = alternatives(schema, 'oneOf').map((one) => this.#try(one, value, path));
    const matching = oneOf.filter(({ isValid }) => isValid).length;
    if (oneOf.length > 0 && matching !== 1) {
      result.add(path, 'number_one_of', 'Must validate one and only one schema (oneOf)');
      if (matching === 0) result.merge(closest(oneOf));
    }
    const allOf = alternatives(schema, 'allOf').map((one) => this.#try(one, value, path));
    for (const one of allOf) result.merge(one);
    if (allOf.some(({ isValid }) => !isValid)) {
      result.add(path, 'number_all_of', 'Must validate all the schemas (allOf)');
    }
    const not = objectGet(schema, 'not');
    if (not !== undefined && this.#try(not, value, path).isValid) {
      result.add(path, 'number_not', 'Must not validate the schema (not)');
    }
    if (isObject(value)) this.#matchDependencies(schema, value, path, result);
    this.#matchCondition(schema, value, path, result);
    result.score += 1;
  }

  #matchDependencies(schema: ObjectValue, value: ObjectValue, path: Path, result: Result): void {
    const dependencies = objectGet(schema, 'dependencies');
    if (dependencies === undefined || !isObject(dependencies)) return;
    for (const [name, dependency] of objectEntries(dependencies)) {
      if (objectGet(value, name) === undefined) continue;
      if (!Array.isArray(dependency)) {
        this.match(dependency, value, path, result);
        continue;
      }
      for (const needed of dependency as readonly Value[]) {
        if (objectGet(value, needed) === undefined) {
          result.add(path, 'missing_dependency', `Has a dependency on ${needed as string}`);
        }
      }
    }
  }

  #matchCondition(schema: ObjectValue, value: Value, path: Path, result: Result): void {
    const condition = this.#since(7, schema, 'if');
    if (condition === undefined) return;
    const holds = this.#try(condition, value, path).isValid;
    const branch = objectGet(schema, holds ? 'then' : 'else');
    if (branch === undefined) return;
    const outcome = this.#try(branch, value, path);
    if (outcome.isValid) return;
    if (holds) result.add(path, 'condition_then', 'Must validate "then" as "if" was valid');
    else result.add(path, 'condition_else', 'Must validate "else" as "if" was not valid');
    result.merge(outcome);
  }

  #matchString(schema: ObjectValue, value: string, path: Path, result: Result): void {
    const [least, most, pattern] = ['minLength', 'maxLength', 'pattern'].map((name) => objectGet(schema, name));
    if (isNumber(least) && compare(runeCount(value), least) < 0) {
      result.add(path, 'string_gte', `String length must be greater than or equal to ${numberText(least)}`);
    }
    if (isNumber(most) && compare(runeCount(value), most) > 0) {
      result.add(path, 'string_lte', `String length must be less than or equal to ${numberText(most)}`);
    }
    if (typeof pattern === 'string' && !this.#pattern(pattern).test(value)) {
      result.add(path, 'pattern', `Does not match pattern '${pattern}'`);
    }
    result.score += 1;
  }

  #pattern(pattern: string): RE2JS {
    return this.#context.patterns.get(`regex ${pattern}`, () => RE2JS.compile(pattern));
  }

  #matchArray(schema: ObjectValue, values: readonly Value[], path: Path, result: Result): void {
    const items = objectGet(schema, 'items');
    const each = (one: Value, from: number, to: number): void => {
      for (let index = from; index < to; index += 1) {
        result.merge(this.#try(one, values[index] as Value, [...path, String(index)]));
      }
    };
    if (Array.isArray(items)) {
      const list = items as readonly Value[];
      for (const [index, one] of list.slice(0, values.length).entries()) each(one, index, index + 1);
      const additional = objectGet(schema, 'additionalItems');
      if (values.length > list.length && additional === false) {
        result.add(path, 'array_no_additional_items', 'No additional items allowed on array');
      } else if (additional !== undefined) each(additional, list.length, values.length);
    } else if (items !== undefined) each(items, 0, values.length);
    const [least, most] = [objectGet(schema, 'minItems'), objectGet(schema, 'maxItems')];
    if (isNumber(least) && compare(values.length, least) < 0) {
      result.add(path, 'array_min_items', `Array must have at least ${numberText(least)} items`);
    }
    if (isNumber(most) && compare(values.length, most) > 0) {
      result.add(path, 'array_max_items', `Array must have at most ${numberText(most)} items`);
    }
    if (objectGet(schema, 'uniqueItems') === true) matchUnique(values, path, result);
    const contains = this.#since(6, schema, 'contains');
    if (contains !== undefined) {
      const tried = values.map((value, index) => this.#try(contains, value, [...path, String(index)]));
      if (!tried.some(({ isValid }) => isValid)) {
        result.add(path, 'contains', 'At least one of the items must match');
        if (tried.length > 0) result.merge(closest(tried));
      }
    }
    result.score += 1;
  }

  #matchObject(schema: ObjectValue, value: ObjectValue, path: Path, result: Result): void {
    const [least, most] = [objectGet(schema, 'minProperties'), objectGet(schema, 'maxProperties')];
    if (isNumber(least) && compare(objectSize(value), least) < 0) {
      result.add(path, 'array_min_properties', `Must have at least ${numberText(least)} properties`);
    }
    if (isNumber(most) && compare(objectSize(value), most) > 0) {
      result.add(path, 'array_max_properties', `Must have at most ${numberText(most)} properties`);
    }
    for (const name of alternatives(schema, 'required')) {
      if (objectGet(value, name) === undefined) result.add(path, 'required', `${name as string} is required`);
    }
    for (const [name, item] of objectEntries(value)) this.#matchProperty(schema, name as string, item, path, result);
    const names = this.#since(6, schema, 'propertyNames');
    for (const [name] of names === undefined ? [] : objectEntries(value)) {
      const outcome = this.#try(names as Value, name, path);
      if (outcome.isValid) continue;
      result.add(path, 'invalid_property_name', `Property name of "${name as string}" does not match`);
      result.merge(outcome);
    }
    result.score += 1;
  }

  /** What `patternProperties` and `additionalProperties` say of one property. */
  #matchProperty(schema: ObjectValue, name: string, item: Value, path: Path, result: Result): void {
    const [properties, patterns] = [objectGet(schema, 'properties'), objectGet(schema, 'patternProperties')];
    let described = properties !== undefined && isObject(properties) && objectGet(properties, name) !== undefined;
    for (const [pattern, one] of patterns !== undefined && isObject(patterns) ? objectEntries(patterns) : []) {
      if (!this.#pattern(pattern as string).test(name)) continue;
      described = true;
      result.merge(this.#try(one, item, [...path, name]));
    }
    const additional = objectGet(schema, 'additionalProperties');
    if (described || additional === undefined) return;
    if (additional === false) {
      result.add(path, 'additional_property_not_allowed', `Additional property ${name} is not allowed`);
    } else result.merge(this.#try(additional, item, [...path, name]));
  }
}

function alternatives(schema: ObjectValue, name: string): readonly Value[] {
  const list = objectGet(schema, name);
  return Array.isArray(list) ? (list as readonly Value[]) : [];
}

/** The failed attempt with the highest score, the first of equals. */
function closest(results: readonly Result[]): Result {
  return results.reduce((best, one) => (one.score > best.score ? one : best));
}

function typesOf(schema: ObjectValue): readonly string[] {
  const type = objectGet(schema, 'type');
  if (typeof type === 'string') return [type];
  return alternatives(schema, 'type') as readonly string[];
}

function typeOf(value: Value): string {
  if (value === null) return 'null';
  if (isNumber(value)) return toInteger(value) === undefined ? 'number' : 'integer';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'object' ? 'object' : typeof value;
}

function matchNumber(schema: ObjectValue, value: number | BigNumber, path: Path, result: Result): void {
  const limit = (name: string): number | BigNumber | undefined => {
    const found = objectGet(schema, name);
    return isNumber(found) ? found : undefined;
  };
  const multiple = limit('multipleOf');
  if (multiple !== undefined && toInteger(divide(value, multiple)) === undefined) {
    result.add(path, 'multiple_of', `Must be a multiple of ${numberText(multiple)}`);
  }
  const bound = (
    name: 'maximum' | 'minimum',
    exclusive: 'exclusiveMaximum' | 'exclusiveMinimum',
    sign: number,
  ): void => {
    const inclusive = limit(name);
    // In draft 4 the exclusive form is a flag.
    const strict = objectGet(schema, exclusive) === true ? inclusive : limit(exclusive);
    const word = sign > 0 ? 'less than' : 'greater than';
    if (strict !== undefined && compare(value, strict) * sign >= 0) {
      result.add(path, sign > 0 ? 'number_lt' : 'number_gt', `Must be ${word} ${numberText(strict)}`);
    } else if (inclusive !== undefined && strict !== inclusive && compare(value, inclusive) * sign > 0) {
      result.add(path, sign > 0 ? 'number_lte' : 'number_gte', `Must be ${word} or equal to ${numberText(inclusive)}`);
    }
  };
  bound('maximum', 'exclusiveMaximum', 1);
  bound('minimum', 'exclusiveMinimum', -1);
  result.score += 1;
}

function matchUnique(values: readonly Value[], path: Path, result: Result): void {
  for (const [index, value] of values.entries()) {
    const first = values.findIndex((other) => equal(other, value));
    if (first !== index) {
      result.add(path, 'unique', `array items[${first},${index}] must be unique`);
      return;
    }
  }
}

function matchCommon(schema: ObjectValue, constant: Value | undefined, value: Value, path: Path, result: Result): void {
  const field = path.length === 0 ? '(Root)' : path.join('.');
  if (constant !== undefined && !equal(constant, value)) {
    result.add(path, 'const', `${field} does not match: ${toPlainJson(constant)}`);
  }
  const choices = alternatives(schema, 'enum');
  if (objectGet(schema, 'enum') !== undefined && !choices.some((choice) => equal(choice, value))) {
    result.add(path, 'enum', `${field} must be one of the following: ${choices.map(toPlainJson).join(', ')}`);
  }
  const format = objectGet(schema, 'format');
  if (typeof format === 'string' && typeof value === 'string' && !hasFormat(value, format)) {
    result.add(path, 'format', `Does not match format '${format}'`);
  }
  result.score += 1;
}

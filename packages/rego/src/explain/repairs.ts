/** Changes of the input that might make a failed statement hold. Guesses: whoever uses them evaluates again. */
import type { Local, Operand, Stmt } from '../compile/ir.ts';
import { compare, equal } from '../value/compare.ts';
import { isNumber, toDouble } from '../value/number.ts';
import { isObject, objectKeys } from '../value/object.ts';
import { isSet } from '../value/set.ts';
import type { Value } from '../value/value.ts';
import type { Edit, InputPath } from './input-path.ts';
import type { RoutineMap } from './literal-map.ts';

/** What the guesses may look at: the values of the moment, and where in the input they come from. */
export interface Moment {
  readonly map: RoutineMap;
  value(operand: Operand): Value | undefined;
  /** The place that the operand is a copy of, or is calculated from. */
  origin(operand: Operand): InputPath | undefined;
}

/** Enough for any one statement. */
const MAX_ELEMENTS = 4;
const SAMPLES: Readonly<Record<string, Value>> = {
  is_string: 'x',
  is_number: 1,
  is_boolean: true,
  is_array: [],
  is_object: {},
  is_null: null,
};

export function repairs(stmt: Stmt, at: Moment): Edit[] {
  switch (stmt.op) {
    case 'let':
      if (stmt.value.kind !== 'dot') return calls(stmt.target, at);
      return [...missing(stmt.target, at), ...sets(at.origin(stmt.value.key), keysOf(at.value(stmt.value.source)))];
    case 'truthy':
      return [...sets(at.origin(stmt.operand), [true]), ...callsOf(stmt.operand, at)];
    case 'compare':
      return [...comparison(stmt, at), ...callsOf(stmt.left, at), ...callsOf(stmt.right, at)];
    case 'scan': {
      const path = at.origin(stmt.source);
      const values = wantedValues(stmt.value, at, 0);
      return path === undefined ? [] : values.map((value) => ({ kind: 'add', path, value }));
    }
    default:
      return [];
  }
}

function sets(path: InputPath | undefined, values: readonly Value[]): Edit[] {
  return path === undefined ? [] : values.map((value) => ({ kind: 'set', path, value }));
}

function missing(target: Local, at: Moment): Edit[] {
  return sets(at.origin({ kind: 'local', local: target }), wantedValues(target, at, 0));
}

/** Values that statements further on would accept. */
function wantedValues(local: Local, at: Moment, depth: number): readonly Value[] {
  const found: Value[] = [];
  for (const stmt of at.map.wanted.get(local) ?? []) found.push(...acceptedBy(stmt, local, at, depth));
  return found.length > 0 ? found.slice(0, MAX_ELEMENTS) : [true, 'x', 1, []];
}

function acceptedBy(stmt: Stmt, local: Local, at: Moment, depth: number): readonly Value[] {
  if (stmt.op === 'compare') {
    const other = isLocal(stmt.left, local) ? stmt.right : stmt.left;
    const value = at.value(other);
    if (value === undefined) return [];
    return satisfying(isLocal(stmt.left, local) ? stmt.by : mirrored(stmt.by), value);
  }
  if (stmt.op !== 'let' || depth > 6) return [];
  const { value } = stmt;
  if (value.kind === 'dot' && isLocal(value.source, local) && value.key.kind === 'const') {
    const key = value.key.value;
    return typeof key === 'string' ? wantedValues(stmt.target, at, depth + 1).map((inner) => ({ [key]: inner })) : [];
  }
  if (value.kind === 'dot' && isLocal(value.key, local)) return keysOf(at.value(value.source));
  if (value.kind !== 'call' || value.callee.kind !== 'builtin') return [];
  const index = value.args.findIndex((arg) => isLocal(arg, local));
  return acceptedArguments(value.callee.name, index, value.args, at);
}

/** What an argument of a builtin should be for the call to hold. */
function acceptedArguments(name: string, index: number, args: readonly Operand[], at: Moment): readonly Value[] {
  const sample = SAMPLES[name];
  if (sample !== undefined) return [sample];
  const other = args[1 - index];
  const value = other === undefined ? undefined : at.value(other);
  if (value === undefined) return [];
  switch (name) {
    case 'startswith':
    case 'endswith':
    case 'contains':
      return index === 0 ? [value] : [];
    case 'internal.member_2':
      return index === 0 ? elementsOf(value) : [[value]];
    case 'equal':
      return [value];
    case 'neq':
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return satisfying(index === 0 ? name : mirrored(name), value);
    default:
      return [];
  }
}

type Comparison = Extract<Stmt, { op: 'compare' }>['by'];

function comparison({ by, left, right }: Extract<Stmt, { op: 'compare' }>, at: Moment): Edit[] {
  const [a, b] = [at.value(left), at.value(right)];
  return [
    ...(b === undefined ? [] : sets(at.origin(left), satisfying(by, b))),
    ...(a === undefined ? [] : sets(at.origin(right), satisfying(mirrored(by), a))),
  ];
}

function mirrored(by: Comparison): Comparison {
  const other: Partial<Record<Comparison, Comparison>> = { lt: 'gt', gt: 'lt', lte: 'gte', gte: 'lte' };
  return other[by] ?? by;
}

/** Values x for which `x by bound` holds. */
function satisfying(by: Comparison, bound: Value): readonly Value[] {
  switch (by) {
    case 'equal':
      return isSet(bound) ? [] : [bound];
    case 'neq':
      return [otherThan(bound)];
    case 'lte':
    case 'gte':
      return isNumber(bound) ? [by === 'gte' ? Math.ceil(toDouble(bound)) : Math.floor(toDouble(bound))] : [bound];
    default: {
      if (!isNumber(bound)) return typeof bound === 'string' && by === 'gt' ? [`${bound}x`] : [];
      const whole = toDouble(bound);
      return [by === 'gt' ? Math.floor(whole) + 1 : Math.ceil(whole) - 1];
    }
  }
}

/** A value of the same kind that is not this one. */
export function otherThan(value: Value): Value {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value + 1;
  return typeof value === 'string' ? `other-${value}`.slice(0, 60) : 'other';
}

/** A call whose result was false, undefined or too small. */
function callsOf(operand: Operand, at: Moment): Edit[] {
  return operand.kind === 'local' ? calls(operand.local, at) : [];
}

function calls(target: Local, at: Moment): Edit[] {
  const source = at.map.definitions.get(target);
  if (source?.kind !== 'call' || source.callee.kind !== 'builtin') return [];
  const { name } = source.callee;
  return source.args.flatMap((arg, index) => {
    const path = at.origin(arg);
    if (path === undefined) return [];
    const element = at.value(source.args[0] ?? arg);
    if (name === 'internal.member_2' && index === 1 && element !== undefined) {
      return [{ kind: 'add', path, value: element }, ...sets(path, [[element]])] satisfies Edit[];
    }
    return sets(path, acceptedArguments(name, index, source.args, at));
  });
}

/** Keys that would find something. */
function keysOf(source: Value | undefined): readonly Value[] {
  return source !== undefined && isObject(source) ? objectKeys(source).slice(0, MAX_ELEMENTS) : [];
}

function elementsOf(collection: Value): readonly Value[] {
  if (Array.isArray(collection)) return (collection as readonly Value[]).slice(0, MAX_ELEMENTS);
  return isSet(collection) ? collection.sorted().slice(0, MAX_ELEMENTS) : [];
}

function isLocal(operand: Operand, local: Local): boolean {
  return operand.kind === 'local' && operand.local === local;
}

/** Edits without repetition. */
export function distinct(edits: readonly Edit[]): Edit[] {
  const kept: Edit[] = [];
  for (const edit of edits) if (!kept.some((each) => sameEdit(each, edit))) kept.push(edit);
  return kept;
}

function sameEdit(a: Edit, b: Edit): boolean {
  if (a.kind !== b.kind || compare([...a.path], [...b.path]) !== 0) return false;
  return a.kind === 'remove' || b.kind === 'remove' || equal(a.value, b.value);
}

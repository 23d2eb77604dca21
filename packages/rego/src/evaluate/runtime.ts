/** The functions that generated code calls. */
import type { Builtin } from '../builtins/builtin.ts';
import type { Location } from '../syntax/location.ts';
import { compare, equal } from '../value/compare.ts';
import { type Entry, objectFromEntries } from '../value/object.ts';
import { RegoSet, setFrom } from '../value/set.ts';
import type { Value } from '../value/value.ts';
import { baseDot, dot, elements, isCollection, isShape, objectDot } from './access.ts';
import { type Context, type ContextModifier, NONE } from './context.ts';
import { EvaluationError } from './evaluation-error.ts';
import { ObjectTree, Pairs } from './partial-object.ts';
import type { QueryState } from './query-state.ts';
import { resolve, view, viewDot, viewElements } from './view.ts';

export const RUNTIME = {
  dot,
  O: Object.prototype,
  getPrototypeOf: Object.getPrototypeOf,
  baseDot,
  objectDot,
  viewDot,
  resolve,
  view,
  elements,
  viewElements,
  isCollection,
  isShape,
  equal,
  compare,
  compareToClock,
  setBuilder: () => RegoSet.builder(),
  pairs: (site: Location) => new Pairs(site),
  tree: () => new ObjectTree(),
  makeSet: (items: readonly Value[]) => setFrom(items),
  makeObject: (entries: readonly Entry[]) => objectFromEntries(entries),
  settle,
  call,
  lookUp,
  mocked,
  derive: (context: Context, modifiers: readonly ContextModifier[]) => context.with(modifiers),
  NONE,
};

/** Compares a value with `time.now_ns() / divisor`, and divides exactly only where the two are close. */
function compareToClock(query: QueryState, value: Value, divisor: number): number {
  if (typeof value === 'number') {
    const about = query.aboutNowIn(divisor);
    const distance = value - about;
    if (Math.abs(distance) > Math.abs(about) * 2 ** -50) return distance;
  }
  return compare(value, query.nowIn(divisor));
}

/** A rule's value when another body already gave one. */
function settle(known: Value, value: Value, site: Location, isFunction: number): Value {
  if (known === value || equal(known, value)) return known;
  const reason =
    isFunction === 1
      ? 'functions must not produce multiple outputs for same inputs'
      : 'complete rules must not produce multiple outputs';
  throw new EvaluationError('eval_conflict_error', reason, site);
}

/** The number of the rules that apply to what stands below `source` at `path`, or -1. */
function lookUp(table: ReadonlyMap<string, number>, source: Value | undefined, path: readonly string[]): number {
  let value = source;
  for (const key of path) value = value === undefined ? undefined : dot(value, key);
  return (typeof value === 'string' ? table.get(value) : undefined) ?? -1;
}

function call(query: QueryState, builtin: Builtin, site: Location, ...args: readonly Value[]): Value | undefined {
  try {
    const result = builtin.evaluate(query, ...args);
    return builtin.result === undefined ? true : result;
  } catch (error) {
    return query.failed(error, builtin, site);
  }
}

/** A call of a function that some `with` may have replaced. */
function mocked(
  context: Context,
  name: string,
  args: readonly Value[],
  site: Location,
  direct: () => Value | undefined,
): Value | undefined {
  const mock = context.mocks?.get(name);
  if (mock === undefined) return direct();
  if (mock.kind === 2) return mock.value;
  if (mock.kind === 4) return call(context.query, mock.builtin, site, ...args);
  return context.documents.functions[mock.document]?.(context.unmocked(), ...args);
}

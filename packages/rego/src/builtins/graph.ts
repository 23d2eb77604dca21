/** `walk`, `graph.reachable` and `graph.reachable_paths`. */
import { equal } from '../value/compare.ts';
import { isObject, objectEntries, objectGet } from '../value/object.ts';
import { RegoSet, type SetBuilder } from '../value/set.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import type { Builtin, BuiltinContext } from './builtin.ts';
import { membersOf, objectOperand, operandTypeError } from './operand.ts';
import { ANY, ANY_ARRAY, ANY_SET, arrayOf, objectOf, setOf, tuple, union } from './type.ts';

const EDGES = objectOf(ANY, union(ANY_SET, ANY_ARRAY));
const NODES = union(ANY_SET, ANY_ARRAY);

export const GRAPH: readonly Builtin[] = [
  {
    name: 'walk',
    args: [ANY],
    result: tuple(ANY_ARRAY, ANY),
    relation: true,
    evaluate: (context, value) => {
      const found: Value[] = [];
      walk(context, [], value, found);
      return found;
    },
  },
  {
    name: 'graph.reachable',
    args: [EDGES, NODES],
    result: ANY_SET,
    evaluate: (context, graph, initial) => reachable(context, graph, initial),
  },
  {
    name: 'graph.reachable_paths',
    args: [EDGES, NODES],
    result: setOf(arrayOf(ANY)),
    evaluate: (context, graph, initial) => reachablePaths(context, graph, initial),
  },
];

function walk(context: BuiltinContext, path: readonly Value[], value: Value, found: Value[]): void {
  context.spend(1);
  found.push([path, value]);
  for (const [key, item] of children(value)) walk(context, [...path, key], item, found);
}

function children(value: Value): Iterable<readonly [Value, Value]> {
  if (Array.isArray(value)) return (value as readonly Value[]).entries();
  if (value instanceof RegoSet) return value.sorted().map((member) => [member, member] as const);
  return isObject(value) ? objectEntries(value) : [];
}

function reachable(context: BuiltinContext, graph: Value, initial: Value): RegoSet {
  const edges = objectOperand(graph, 1);
  const queue = [...nodes(initial)];
  const reached = RegoSet.builder();
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    context.spend(1);
    const next = objectGet(edges, node);
    if (next === undefined || reached.has(node)) continue;
    reached.add(node);
    queue.push(...(membersOf(next) ?? []));
  }
  return reached.done();
}

function reachablePaths(context: BuiltinContext, graph: Value, initial: Value): RegoSet {
  const edges = objectOperand(graph, 1);
  const paths = RegoSet.builder();
  for (const node of nodes(initial)) {
    const next = objectGet(edges, node);
    if (next === undefined) continue;
    const neighbours = membersOf(next) ?? [];
    if (neighbours.length === 0) paths.add([node]);
    for (const neighbour of neighbours) extend(context, edges, neighbour, [node], paths);
  }
  return paths.done();
}

/** A path ends at a node without edges, before a node outside the graph, and where it would meet itself. */
function extend(
  context: BuiltinContext,
  edges: ObjectValue,
  node: Value,
  path: readonly Value[],
  paths: SetBuilder,
): void {
  context.spend(1);
  // OPA lets the first step lead back to where it began, once.
  const met = path.length > 1 && path.some((seen) => equal(seen, node));
  const next = met ? undefined : objectGet(edges, node);
  const neighbours = next === undefined ? [] : (membersOf(next) ?? []);
  const longer = next === undefined ? path : [...path, node];
  if (neighbours.length === 0) paths.add(longer);
  for (const neighbour of neighbours) extend(context, edges, neighbour, longer, paths);
}

function nodes(initial: Value): readonly Value[] {
  const members = membersOf(initial);
  if (members === undefined) throw operandTypeError(2, initial, '{array, set}');
  return members;
}

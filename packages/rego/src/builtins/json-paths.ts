/** `json.filter` and `json.remove`: objects cut down by paths such as `a/b/0`. */

import { compositeKey, primitiveKey } from '../value/key.ts';
import { isObject, objectEntries, objectFromEntries } from '../value/object.ts';
import { RegoSet, setFrom } from '../value/set.ts';
import type { Value } from '../value/value.ts';
import type { Builtin } from './builtin.ts';
import { membersOf, objectOperand, operandError, operandTypeError, typeName } from './operand.ts';
import { ANY_ARRAY, ANY_OBJECT, arrayOf, STRING, setOf, union } from './type.ts';

const PATH = union(STRING, ANY_ARRAY);
const PATHS = union(arrayOf(PATH), setOf(PATH));

export const JSON_PATHS: readonly Builtin[] = [
  {
    name: 'json.filter',
    args: [ANY_OBJECT, PATHS],
    result: ANY_OBJECT,
    evaluate: (_, object, paths) => filter(objectOperand(object, 1), pathTree(paths)),
  },
  {
    name: 'json.remove',
    args: [ANY_OBJECT, PATHS],
    result: ANY_OBJECT,
    evaluate: (_, object, paths) => remove(objectOperand(object, 1), pathTree(paths)),
  },
];

/** The segments of a path, given as `a/b` (RFC 6901 escapes, leading slashes ignored) or as an array. */
export function parsePath(path: Value): readonly Value[] {
  if (Array.isArray(path)) return path as readonly Value[];
  if (typeof path !== 'string') {
    const kinds = 'one of {set, array} containing string paths or array of path segments';
    throw operandError(2, `must be ${kinds} but got ${typeName(path)}`);
  }
  if (path === '') return [];
  return path
    .replace(/^\/+/, '')
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A node's children by segment; a leaf stands for everything below it. */
class PathNode {
  readonly children = new Map<unknown, PathNode>();
  leaf = false;

  child(segment: Value): PathNode | undefined {
    return this.children.get(nodeKey(segment));
  }
}

/** A string starting with NUL is the only other key that could look like a composite's. */
function nodeKey(segment: Value): unknown {
  const key = primitiveKey(segment);
  return key === undefined ? `\0${compositeKey(segment)}` : key;
}

function pathTree(paths: Value): PathNode {
  const list = membersOf(paths);
  if (list === undefined) throw operandTypeError(2, paths, 'set', 'array');
  const root = new PathNode();
  for (const path of list.map(parsePath)) {
    if (path.length > 0) insert(root, path);
  }
  return root;
}

function insert(root: PathNode, path: readonly Value[]): void {
  let node = root;
  for (const segment of path) {
    if (node.leaf) return;
    let child = node.child(segment);
    if (child === undefined) {
      child = new PathNode();
      node.children.set(nodeKey(segment), child);
    }
    node = child;
  }
  node.leaf = true;
}

function filter(value: Value, node: PathNode): Value {
  if (node.leaf) return value;
  if (Array.isArray(value)) {
    return (value as readonly Value[]).flatMap((item, index) => kept(item, node.child(String(index))));
  }
  if (value instanceof RegoSet) return setFrom(value.sorted().flatMap((item) => kept(item, node.child(item))));
  // Where a path goes on, a scalar cannot be cut.
  if (!isObject(value)) return value;
  return objectFromEntries(
    objectEntries(value).flatMap(([key, item]) => kept(item, node.child(key)).map((part) => [key, part] as const)),
  );
}

function kept(value: Value, node: PathNode | undefined): readonly Value[] {
  return node === undefined ? [] : [filter(value, node)];
}

function remove(value: Value, node: PathNode): Value {
  if (Array.isArray(value)) {
    return (value as readonly Value[]).flatMap((item, index) => left(item, node.child(String(index))));
  }
  if (value instanceof RegoSet) return setFrom(value.sorted().flatMap((item) => left(item, node.child(item))));
  if (!isObject(value)) return value;
  return objectFromEntries(
    objectEntries(value).flatMap(([key, item]) => left(item, node.child(key)).map((part) => [key, part] as const)),
  );
}

function left(value: Value, node: PathNode | undefined): readonly Value[] {
  if (node === undefined) return [value];
  return node.leaf ? [] : [remove(value, node)];
}

/**
 * The types of documents: a tree by path, in which the types of rules meet. A document whose rules have variables in
 * their heads is an object type that stands at the ground part of the path; what lies below is merged into it.
 */
import { ANY, type FunctionType, type ObjectType, STRING, type Type } from '../../builtins/type.ts';
import type { PrimitiveKey } from '../../value/key.ts';
import { either, objectType, typeOfKey, UNKNOWN } from './algebra.ts';

export interface TypeNode {
  /** Set where rules stand. */
  type: Type | undefined;
  readonly children: Map<PrimitiveKey, TypeNode>;
}

export function newTypeNode(): TypeNode {
  return { type: undefined, children: new Map() };
}

function childNode(node: TypeNode, key: PrimitiveKey): TypeNode {
  let child = node.children.get(key);
  if (child === undefined) {
    child = newTypeNode();
    node.children.set(key, child);
  }
  return child;
}

/** The type of everything at and below a node; base documents may add any member. */
export function extentOf(node: TypeNode): Type {
  if (node.type !== undefined) return node.type;
  const properties = [...node.children]
    .filter(([key]) => key !== null)
    .map(([key, child]) => ({ key, value: extentOf(child) }));
  return objectType(properties, { key: STRING, value: ANY });
}

/** Replaces the type at a path: what a broken rule gets, so that nobody is told of it twice, and what `with` puts there. */
export function putType(root: TypeNode, path: readonly PrimitiveKey[], type: Type): void {
  path.reduce(childNode, root).type = type;
}

/** Adds the type of one more rule at a path. */
export function insertType(root: TypeNode, path: readonly PrimitiveKey[], type: Type): void {
  let node = root;
  for (const [i, key] of path.entries()) {
    const child = childNode(node, key);
    if (i + 1 < path.length && child.type?.kind === 'object') {
      child.type = insertBelow(child.type, path.slice(i + 1), type);
    }
    node = child;
  }
  node.type = merge(node.type, type);
  if (type.kind !== 'object' || node.type.kind !== 'object') return;
  let merged: ObjectType = node.type;
  for (const [below, leaf] of leaves(node)) merged = insertBelow(merged, below, leaf);
  node.type = merged;
}

function* leaves(node: TypeNode, path: readonly PrimitiveKey[] = []): Generator<[readonly PrimitiveKey[], Type]> {
  for (const [key, child] of node.children) {
    const below = [...path, key];
    if (child.type === undefined) yield* leaves(child, below);
    else yield [below, child.type];
  }
}

/** What lies below an object's path widens what its members can be. */
function insertBelow(object: ObjectType, path: readonly PrimitiveKey[], type: Type): ObjectType {
  const [first = null, ...rest] = path;
  const value = rest.length === 0 ? type : insertBelow({ kind: 'object', properties: [] }, rest, type);
  return {
    kind: 'object',
    properties: object.properties,
    rest: {
      key: either(object.rest?.key ?? UNKNOWN, typeOfKey(first)),
      value: either(object.rest?.value ?? UNKNOWN, value),
    },
  };
}

function merge(a: Type | undefined, b: Type): Type {
  if (a === undefined) return b;
  if (a.kind === 'object' && b.kind === 'object' && a.properties.length + b.properties.length === 0) {
    if (a.rest === undefined) return b;
    if (b.rest === undefined) return a;
  }
  if (a.kind === 'set' && b.kind === 'set') {
    return { kind: 'set', member: a.member && b.member ? either(a.member, b.member) : (a.member ?? b.member) };
  }
  if (isDynamic(a) && isDynamic(b)) return mergeObjects(a, b);
  if (b.kind === 'union' && isDynamic(a)) return mergeIntoUnion(a, b.of);
  if (a.kind === 'union' && isDynamic(b)) return mergeIntoUnion(b, a.of);
  return either(a, b);
}

type DynamicObject = ObjectType & { readonly rest: NonNullable<ObjectType['rest']> };

function isDynamic(type: Type): type is DynamicObject {
  return type.kind === 'object' && type.properties.length === 0 && type.rest !== undefined;
}

function mergeObjects(a: DynamicObject, b: DynamicObject): ObjectType {
  const rest = { key: either(a.rest.key, b.rest.key), value: merge(a.rest.value, b.rest.value) };
  return { kind: 'object', properties: [], rest };
}

function mergeIntoUnion(object: DynamicObject, of: readonly Type[]): Type {
  const known = of.find(isDynamic);
  if (known === undefined) return of.reduce(either, object);
  const rest = { key: either(known.rest.key, object.rest.key), value: either(known.rest.value, object.rest.value) };
  return of.map((each): Type => (each === known ? { kind: 'object', properties: [], rest } : each)).reduce(either);
}

export function functionAt(root: TypeNode, path: readonly PrimitiveKey[]): FunctionType | undefined {
  let node: TypeNode | undefined = root;
  for (const key of path) node = node?.children.get(key);
  return node?.type?.kind === 'function' ? node.type : undefined;
}

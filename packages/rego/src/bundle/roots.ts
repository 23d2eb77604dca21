/** Roots of a bundle: the documents below `data` that are its own, and whatever lies below them. */
import { keyText } from '../value/json.ts';
import { isObject, objectEntries } from '../value/object.ts';
import type { Value } from '../value/value.ts';

export type RootPath = readonly string[];

/** `/order/policies/` is `order`, `policies`; the empty text is the root of everything. */
export function pathOf(text: string): RootPath {
  const path = text.replace(/^\/+|\/+$/g, '');
  return path === '' ? [] : path.split('/');
}

export function rootsOverlap(a: RootPath, b: RootPath): boolean {
  return isBelow(a, b) || isBelow(b, a);
}

/** Whether one of the roots holds a document. */
export function isWithin(roots: readonly RootPath[], path: RootPath): boolean {
  return roots.some((root) => isBelow(path, root));
}

/** Documents that no root holds, the highest of each branch. Objects on the way to a root belong to nobody. */
export function documentsOutside(roots: readonly RootPath[], value: Value, path: RootPath = []): RootPath[] {
  if (isWithin(roots, path)) return [];
  if (!isObject(value) || !(path.length === 0 || roots.some((root) => isBelow(root, path)))) return [path];
  return objectEntries(value).flatMap(([key, item]) => documentsOutside(roots, item, [...path, keyText(key)]));
}

function isBelow(path: RootPath, root: RootPath): boolean {
  return root.every((segment, index) => path[index] === segment);
}

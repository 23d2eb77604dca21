/** Places in an input, and inputs with one place changed. Inputs are JSON: arrays, and objects with text keys. */

import { formatPath } from '../syntax/format-path.ts';
import { type PrimitiveKey, primitiveKey } from '../value/key.ts';
import { isObject, objectEntries, objectFromEntries } from '../value/object.ts';
import type { Value } from '../value/value.ts';

/** Keys from the outside in. */
export type InputPath = readonly PrimitiveKey[];

/** One change of an input. */
export type Edit =
  | { readonly kind: 'set'; readonly path: InputPath; readonly value: Value }
  | { readonly kind: 'add'; readonly path: InputPath; readonly value: Value }
  | { readonly kind: 'remove'; readonly path: InputPath };

/** `input.token.exp`. */
export function inputName(path: InputPath): string {
  return formatPath(['input', ...path]);
}

export function valueAt(input: Value | undefined, path: InputPath): Value | undefined {
  let value = input;
  for (const key of path) value = value === undefined ? undefined : step(value, key);
  return value;
}

/** The input after an edit; undefined when the edit does not fit what is there. */
export function edited(input: Value | undefined, edit: Edit): Value | undefined {
  if (edit.kind === 'remove') return removed(input, edit.path);
  if (edit.kind === 'set') return replaced(input, edit.path, edit.value);
  const collection = valueAt(input, edit.path);
  if (collection === undefined) return replaced(input, edit.path, [edit.value]);
  return Array.isArray(collection)
    ? replaced(input, edit.path, [...(collection as readonly Value[]), edit.value])
    : undefined;
}

function step(value: Value, key: PrimitiveKey): Value | undefined {
  if (Array.isArray(value)) return typeof key === 'number' ? (value as readonly Value[])[key] : undefined;
  if (!isObject(value)) return undefined;
  return objectEntries(value).find(([each]) => primitiveKey(each) === key)?.[1];
}

function replaced(value: Value | undefined, [key, ...rest]: InputPath, leaf: Value): Value | undefined {
  if (key === undefined) return leaf;
  const inner = replaced(value === undefined ? undefined : step(value, key), rest, leaf);
  if (inner === undefined) return undefined;
  if (Array.isArray(value)) {
    const index = typeof key === 'number' && key >= 0 && key <= value.length ? key : undefined;
    return index === undefined ? undefined : (value as readonly Value[]).toSpliced(index, 1, inner);
  }
  if (typeof key !== 'string') return undefined;
  const entries = value !== undefined && isObject(value) ? objectEntries(value) : [];
  const others = entries.filter(([each]) => each !== key);
  return objectFromEntries([...others, [key, inner]]);
}

function removed(value: Value | undefined, [key, ...rest]: InputPath): Value | undefined {
  if (value === undefined || key === undefined) return undefined;
  const inner = step(value, key);
  if (inner === undefined) return undefined;
  if (rest.length > 0) {
    const changed = removed(inner, rest);
    return changed === undefined ? undefined : replaced(value, [key], changed);
  }
  if (Array.isArray(value)) return (value as readonly Value[]).filter((_, i) => i !== key);
  return isObject(value)
    ? objectFromEntries(objectEntries(value).filter(([each]) => primitiveKey(each) !== key))
    : undefined;
}

/** Whether one path is the other or lies below it. */
export function isWithin(path: InputPath, outer: InputPath): boolean {
  return outer.length <= path.length && outer.every((key, i) => key === path[i]);
}

/** A document on its way from text to configuration: values as written, changed in place by one step after the other. */
import type { Diagnostic } from './diagnostic.ts';
import { type KeyPath, pathId, renderPath } from './key-path.ts';
import type { Finding } from './schema/rule.ts';
import { childOf, type Shape } from './shape.ts';
import type { Position, SourcePosition } from './yaml-source.ts';

export interface Draft {
  readonly file: string;
  readonly value: unknown;
  readonly shape: Shape;
  /** By `pathId`. */
  readonly positions: Map<string, SourcePosition>;
}

/** Where a value is; what is not in the file stands where its parent does. */
export function positionOf(draft: Draft, path: KeyPath): Position {
  const exact = draft.positions.get(pathId(path));
  if (exact !== undefined) return exact.value;
  for (let length = path.length - 1; length > 0; length -= 1) {
    const parent = draft.positions.get(pathId(path.slice(0, length)));
    if (parent !== undefined) return parent.key;
  }
  return { file: draft.file, line: 1, column: 1 };
}

/** A finding with its position. */
export function placed(
  draft: Draft,
  severity: Diagnostic['severity'],
  { path, message, hint = '', code = 'invalid_value' }: Finding,
): Diagnostic {
  return { ...positionOf(draft, path), severity, code, path: renderPath(path), message, hint };
}

/** The value at a path, or undefined. */
export function valueAt(draft: Draft, path: KeyPath): unknown {
  return path.reduce<unknown>((value, part) => childOf(value, part), draft.value);
}

/** Sets a value, making the mappings on the way; false when something else than a mapping or list is in the way. */
export function setValue(draft: Draft, path: KeyPath, value: unknown): boolean {
  let parent: unknown = draft.value;
  for (const [depth, part] of path.entries()) {
    if (parent === null || typeof parent !== 'object') return false;
    const last = depth === path.length - 1;
    const next = last ? value : (childOf(parent, part) ?? {});
    Object.assign(parent, { [part]: next });
    parent = next;
  }
  return true;
}

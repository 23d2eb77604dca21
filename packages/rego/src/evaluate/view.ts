/** A place in `data` where base documents and rules may both stand, not yet evaluated as a whole. */
import { compare } from '../value/compare.ts';
import { type PrimitiveKey, primitiveKey } from '../value/key.ts';
import { type Entry, isObject, objectEntries, objectFromEntries, objectGet } from '../value/object.ts';
import type { Value } from '../value/value.ts';
import { baseDot, dot, elements } from './access.ts';
import type { Context } from './context.ts';

/** The rule tree as evaluation sees it. */
export interface DocumentNode {
  readonly path: readonly PrimitiveKey[];
  readonly children: ReadonlyMap<PrimitiveKey, DocumentNode>;
  readonly document: { readonly id: number; readonly kind: string } | undefined;
}

/** Documents below this name are the evaluator's own business. */
const HIDDEN = 'system';

const NO_CHILDREN: DocumentNode['children'] = new Map();

export class View {
  readonly context: Context;
  readonly base: Value | undefined;
  private readonly node: DocumentNode;
  private readonly isPinned: boolean;
  private readonly children: DocumentNode['children'];

  constructor(context: Context, node: DocumentNode, base: Value | undefined) {
    this.context = context;
    this.node = node;
    this.base = base;
    this.isPinned = context.isPinned(node);
    this.children = this.isPinned ? NO_CHILDREN : node.children;
  }

  get(key: Value): Value | View | undefined {
    const name = primitiveKey(key);
    const child = name === undefined ? undefined : this.children.get(name);
    const base = this.base === undefined ? undefined : baseDot(this.base, key);
    return child === undefined ? base : this.enter(child, base);
  }

  /** Base documents first, then rules, each in order. */
  entries(): (readonly [Value, Value | View])[] {
    const result: (readonly [Value, Value | View])[] = [];
    const seen = new Set<PrimitiveKey>();
    for (const [key, base] of this.base === undefined ? [] : baseEntries(this.base)) {
      const name = primitiveKey(key);
      const child = name === undefined ? undefined : this.children.get(name);
      const value = child === undefined ? base : this.enter(child, base);
      if (name !== undefined) seen.add(name);
      if (value !== undefined) result.push([key, value]);
    }
    for (const [key, child] of [...this.children].toSorted(([a], [b]) => compare(a, b))) {
      const value = seen.has(key) ? undefined : this.enter(child, undefined);
      if (value !== undefined) result.push([key, value]);
    }
    return result;
  }

  /** Base and virtual documents as one value. */
  resolve(): Value | undefined {
    if (this.isPinned) return this.base;
    const virtual: Entry[] = [];
    for (const [key, child] of this.children) {
      if (this.node.path.length === 1 && key === HIDDEN) continue;
      const { document } = child;
      if (this.context.isPinned(child)) continue;
      const value =
        document === undefined ? new View(this.context, child, undefined).resolve() : this.evaluate(document);
      if (value !== undefined) virtual.push([key, value]);
    }
    const { base } = this;
    if (base === undefined || (!isObject(base) && virtual.length > 0)) return objectFromEntries(virtual);
    return merge(base, objectFromEntries(virtual));
  }

  private enter(child: DocumentNode, base: Value | undefined): Value | View | undefined {
    if (this.context.isPinned(child)) return base;
    if (child.document === undefined) return new View(this.context, child, base);
    return child.document.kind === 'function' ? base : this.evaluate(child.document);
  }

  private evaluate(document: { readonly id: number; readonly kind: string }): Value | undefined {
    return document.kind === 'function' ? undefined : this.context.document(document.id);
  }
}

/** The view of a node in a context's data. */
export function view(context: Context, node: DocumentNode): View {
  let base: Value | undefined = context.data;
  for (const key of node.path.slice(1)) base = base === undefined ? undefined : dot(base, key);
  return new View(context, node, base);
}

export function viewDot(source: Value | View, key: Value): Value | View | undefined {
  return source instanceof View ? source.get(key) : dot(source, key);
}

export function viewElements(source: Value | View): readonly (readonly [Value, Value | View])[] {
  if (source instanceof View) return source.entries();
  return Array.isArray(source) ? source.map((item: Value, i) => [i, item] as const) : elements(source);
}

export function resolve(source: Value | View): Value | undefined {
  return source instanceof View ? source.resolve() : source;
}

function baseEntries(base: Value): readonly Entry[] {
  return Array.isArray(base) ? base.map((item: Value, i) => [i, item] as const) : elements(base);
}

/** Base documents win where both have a value. */
function merge(base: Value, virtual: Value): Value {
  if (!isObject(base) || !isObject(virtual)) return base;
  const entries: Entry[] = [...objectEntries(base)];
  for (const [key, value] of objectEntries(virtual)) {
    const known = objectGet(base, key);
    entries.push([key, known === undefined ? value : merge(known, value)]);
  }
  return objectFromEntries(entries);
}

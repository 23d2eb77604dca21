/** What rules are evaluated against: input, data, replaced functions, and the documents already known. `with` derives another. */
import type { Builtin } from '../builtins/builtin.ts';
import type { PrimitiveKey } from '../value/key.ts';
import { isObject, objectEntries, objectFromEntries } from '../value/object.ts';
import type { Value } from '../value/value.ts';
import { dot } from './access.ts';
import type { QueryState } from './query-state.ts';
import type { DocumentNode } from './view.ts';

/** A document that was evaluated and is undefined. */
export const NONE = Symbol('undefined document');

export type DocumentFunction = (context: Context, ...args: readonly Value[]) => Value | undefined;

/** The compiled rules of a policy. */
export interface Documents {
  readonly functions: readonly DocumentFunction[];
  readonly root: DocumentNode;
  /** A memo in which nothing is known yet, to copy. */
  readonly blank: readonly undefined[];
}

/** What stands in for a function. */
export type Mock =
  | { readonly kind: 2; readonly name: string; readonly value: Value }
  | { readonly kind: 3; readonly name: string; readonly document: number }
  | { readonly kind: 4; readonly name: string; readonly builtin: Builtin };

export type ContextModifier =
  | { readonly kind: 0; readonly path: readonly Value[]; readonly value: Value }
  | { readonly kind: 1; readonly path: readonly Value[]; readonly value: Value }
  | Mock;

export class Context {
  readonly documents: Documents;
  readonly query: QueryState;
  readonly input: Value | undefined;
  readonly data: Value;
  readonly memo: (Value | typeof NONE | undefined)[];
  mocks: ReadonlyMap<string, Mock> | undefined = undefined;
  /** Places in the rule tree that a `with` on data replaced, with all below them. */
  private pinned: ReadonlySet<DocumentNode> | undefined = undefined;

  constructor(documents: Documents, query: QueryState, input: Value | undefined, data: Value) {
    this.documents = documents;
    this.query = query;
    this.input = input;
    this.data = data;
    this.memo = documents.blank.slice();
  }

  document(id: number): Value | undefined {
    return this.documents.functions[id]?.(this);
  }

  /** No rule counts here, only the data that replaced it. */
  isPinned(node: DocumentNode): boolean {
    return this.pinned?.has(node) === true;
  }

  /** This context with input, data or functions replaced. */
  with(modifiers: readonly ContextModifier[]): Context {
    let { input, data } = this;
    const mocks = new Map(this.mocks);
    const pinned = new Set(this.pinned);
    for (const modifier of modifiers) {
      if (modifier.kind === 0) input = replaceAt(input, modifier.path, 0, modifier.value);
      else if (modifier.kind === 1) {
        data = replaceAt(data, modifier.path, 0, modifier.value);
        for (const node of replacedNodes(this.documents.root, modifier.path)) pinned.add(node);
      } else mocks.set(modifier.name, modifier);
    }
    return this.derived(input, data, mocks, pinned);
  }

  /** This context with the original functions: inside a replacement nothing is replaced. */
  unmocked(): Context {
    return this.derived(this.input, this.data, new Map(), new Set(this.pinned));
  }

  private derived(
    input: Value | undefined,
    data: Value,
    mocks: ReadonlyMap<string, Mock>,
    pinned: ReadonlySet<DocumentNode>,
  ): Context {
    const context = new Context(this.documents, this.query, input, data);
    if (mocks.size > 0) context.mocks = mocks;
    if (pinned.size > 0) context.pinned = pinned;
    for (const { document, path } of pinned) {
      if (document === undefined) continue;
      const value = valueAt(data, path);
      context.memo[document.id] = value === undefined ? NONE : value;
    }
    return context;
  }
}

function valueAt(data: Value, path: readonly PrimitiveKey[]): Value | undefined {
  let value: Value | undefined = data;
  for (const key of path.slice(1)) value = value === undefined ? undefined : dot(value, key);
  return value;
}

/** A copy with the value at a path replaced; whatever is no object on the way becomes one. */
function replaceAt(source: Value | undefined, path: readonly Value[], at: number, value: Value): Value {
  const key = path[at];
  if (key === undefined) return value;
  const object = source !== undefined && isObject(source) ? source : undefined;
  const inner = object === undefined ? undefined : dot(object, key);
  const entries = object === undefined ? [] : objectEntries(object);
  return objectFromEntries([...entries, [key, replaceAt(inner, path, at + 1, value)] as const]);
}

/** The nodes at and below a path in data. */
function replacedNodes(root: DocumentNode, path: readonly Value[]): DocumentNode[] {
  let node: DocumentNode | undefined = root.children.get('data');
  for (const key of path) {
    if (node?.document !== undefined) return [];
    node = node?.children.get(key as PrimitiveKey);
  }
  return node === undefined ? [] : nodesBelow(node);
}

function nodesBelow(node: DocumentNode): DocumentNode[] {
  return [node, ...[...node.children.values()].flatMap(nodesBelow)];
}

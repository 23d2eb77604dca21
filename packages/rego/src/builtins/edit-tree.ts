/**
 * A document that patches change: only what they touch is unfolded, and put together again at the end. Complaints show
 * containers as they were before the first change, and know what was deleted from them, as OPA's do.
 */
import { equal } from '../value/compare.ts';
import { compositeKey, type PrimitiveKey, primitiveKey } from '../value/key.ts';
import { isNumber, toMachineInteger } from '../value/number.ts';
import { isObject, objectEntries, objectFromEntries, objectGet } from '../value/object.ts';
import { RegoSet, setFrom } from '../value/set.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import { BuiltinError } from './builtin.ts';
import { typeName } from './operand.ts';
import { regoText } from './text.ts';

export interface EditTree {
  child(segment: Value): EditTree;
  insert(segment: Value, value: Value): void;
  remove(segment: Value): void;
  render(): Value;
}

export function editTree(value: Value): EditTree {
  if (Array.isArray(value)) return new ArrayTree(value as readonly Value[]);
  if (value instanceof RegoSet) return new SetTree(value);
  return isObject(value) ? new ObjectTree(value) : new LeafTree(value);
}

function isComposite(value: Value): boolean {
  return Array.isArray(value) || value instanceof RegoSet || isObject(value);
}

class LeafTree implements EditTree {
  readonly #value: Value;

  constructor(value: Value) {
    this.#value = value;
  }

  child(segment: Value): EditTree {
    throw new BuiltinError(`expected composite type for path ${regoText(segment)}, found ${describe(this.#value)}`);
  }

  insert(): void {
    throw new BuiltinError(`expected composite type, found ${describe(this.#value)}`);
  }

  remove(): void {
    this.insert();
  }

  render(): Value {
    return this.#value;
  }
}

function describe(value: Value): string {
  const type = typeName(value);
  return `value: ${regoText(value)} (type: ast.${type.charAt(0).toUpperCase()}${type.slice(1)})`;
}

/** What became of a member: a tree in its place, or nothing, and then what kind of value it was. */
type Change = { readonly key: Value } & (
  | { readonly tree: EditTree }
  | { readonly tree: undefined; readonly deleted: 'scalar' | 'composite' }
);

class ObjectTree implements EditTree {
  readonly #original: ObjectValue;
  readonly #changes = new Map<PrimitiveKey, Change>();
  /** Of keys that are composites. */
  readonly #byText = new Map<string, Change>();

  constructor(original: ObjectValue) {
    this.#original = original;
  }

  child(segment: Value): EditTree {
    const change = this.#changeOf(segment);
    if (change !== undefined) {
      if (change.tree !== undefined) return change.tree;
      throw new BuiltinError(`cannot unfold the already deleted ${change.deleted} node for key ${regoText(segment)}`);
    }
    const found = objectGet(this.#original, segment);
    if (found === undefined) {
      throw new BuiltinError(`path ${regoText(segment)} does not exist in object term ${regoText(this.#original)}`);
    }
    const tree = editTree(found);
    this.#change({ key: segment, tree });
    return tree;
  }

  insert(segment: Value, value: Value): void {
    this.#change({ key: segment, tree: editTree(value) });
  }

  remove(segment: Value): void {
    const change = this.#changeOf(segment);
    if (change !== undefined && change.tree === undefined) {
      throw new BuiltinError(`cannot delete the already deleted ${change.deleted} node for key ${regoText(segment)}`);
    }
    const value = change === undefined ? objectGet(this.#original, segment) : change.tree.render();
    if (value === undefined) throw new BuiltinError(`cannot delete child key ${regoText(segment)} that does not exist`);
    this.#change({ key: segment, tree: undefined, deleted: isComposite(value) ? 'composite' : 'scalar' });
  }

  render(): Value {
    const changes = [...this.#changes.values(), ...this.#byText.values()];
    if (changes.length === 0) return this.#original;
    const kept = objectEntries(this.#original).filter(([key]) => this.#changeOf(key) === undefined);
    const changed = changes.flatMap(({ key, tree }) => (tree === undefined ? [] : [[key, tree.render()] as const]));
    return objectFromEntries([...kept, ...changed]);
  }

  #changeOf(key: Value): Change | undefined {
    const primitive = primitiveKey(key);
    return primitive === undefined ? this.#byText.get(compositeKey(key)) : this.#changes.get(primitive);
  }

  #change(change: Change): void {
    const primitive = primitiveKey(change.key);
    if (primitive === undefined) this.#byText.set(compositeKey(change.key), change);
    else this.#changes.set(primitive, change);
  }
}

/** A member is its own path; one that is changed below it takes another place. */
class SetTree implements EditTree {
  #members: RegoSet;
  readonly #unfolded = new Map<string, { readonly member: Value; readonly tree: EditTree }>();

  constructor(members: RegoSet) {
    this.#members = members;
  }

  child(segment: Value): EditTree {
    if (isComposite(segment)) this.#collapse();
    if (!this.#members.has(segment)) {
      const path = typeof segment === 'string' ? segment : regoText(segment);
      throw new BuiltinError(`path ${path} does not exist in set term ${regoText(this.#members)}`);
    }
    const tree = editTree(segment);
    this.#unfolded.set(compositeKey(segment), { member: segment, tree });
    return tree;
  }

  insert(segment: Value, value: Value): void {
    if (!equal(segment, value)) {
      throw new BuiltinError(`set key ${regoText(segment)} does not equal value to be inserted ${regoText(value)}`);
    }
    this.#collapse();
    this.#members = setFrom([...this.#members.sorted(), value]);
  }

  remove(segment: Value): void {
    this.#collapse();
    if (!this.#members.has(segment)) {
      throw new BuiltinError(`cannot delete child key ${regoText(segment)} that does not exist`);
    }
    this.#members = setFrom(this.#members.sorted().filter((member) => !equal(member, segment)));
  }

  render(): Value {
    this.#collapse();
    return this.#members;
  }

  #collapse(): void {
    if (this.#unfolded.size === 0) return;
    const changed = [...this.#unfolded.values()];
    const kept = this.#members.sorted().filter((member) => !changed.some((one) => equal(one.member, member)));
    this.#members = setFrom([...kept, ...changed.map(({ tree }) => tree.render())]);
    this.#unfolded.clear();
  }
}

class ArrayTree implements EditTree {
  readonly #items: (Value | Unfolded)[];

  constructor(items: readonly Value[]) {
    this.#items = [...items];
  }

  child(segment: Value): EditTree {
    const index = arrayIndex(segment, this.#items.length);
    const item = this.#items[index];
    if (item === undefined) throw new BuiltinError('index for array lookup out of bounds');
    if (item instanceof Unfolded) return item.tree;
    const tree = editTree(item);
    this.#items[index] = new Unfolded(tree);
    return tree;
  }

  insert(segment: Value, value: Value): void {
    const index = arrayIndex(segment, this.#items.length);
    if (index > this.#items.length) throw new BuiltinError('index for array insertion out of bounds');
    this.#items.splice(index, 0, value);
  }

  remove(segment: Value): void {
    const index = arrayIndex(segment, this.#items.length);
    if (index >= this.#items.length) throw new BuiltinError('index for array delete out of bounds');
    this.#items.splice(index, 1);
  }

  render(): Value {
    return this.#items.map((item) => (item instanceof Unfolded ? item.tree.render() : item));
  }
}

/** Marks a tree among values. */
class Unfolded {
  readonly tree: EditTree;

  constructor(tree: EditTree) {
    this.tree = tree;
  }
}

/** A number, or text without leading zeros; `-` is the place after the end. */
function arrayIndex(segment: Value, length: number): number {
  if (isNumber(segment)) {
    const index = toMachineInteger(segment);
    if (index === undefined || index < 0) throw new BuiltinError('invalid number type for indexing');
    return index;
  }
  if (typeof segment !== 'string') throw new BuiltinError('invalid type for indexing');
  if (segment === '-') return length;
  if (/^0\d/.test(segment)) throw new BuiltinError('leading zeros are not allowed in JSON paths');
  if (/^-\d+$/.test(segment)) return Number.POSITIVE_INFINITY;
  if (!/^\d+$/.test(segment)) throw new BuiltinError('invalid string for indexing');
  return Number(segment);
}

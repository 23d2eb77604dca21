/** Rego sets: each value once, iterated in OPA's order. */
import { compare } from './compare.ts';
import { compositeKey, type PrimitiveKey, primitiveKey } from './key.ts';
import type { Value } from './value.ts';

/** A set under construction is only ever held by its builder; a visible one never changes. */
export class RegoSet implements Iterable<Value> {
  readonly #byPrimitive = new Map<PrimitiveKey, Value>();
  readonly #byText = new Map<string, Value>();
  #sorted: readonly Value[] | undefined;

  constructor(values: Iterable<Value> = []) {
    for (const value of values) this.#insert(value);
  }

  get size(): number {
    return this.#byPrimitive.size + this.#byText.size;
  }

  has(value: Value): boolean {
    return this.get(value) !== undefined;
  }

  /** The member that equals `value`, in the member's own spelling. */
  get(value: Value): Value | undefined {
    const key = primitiveKey(value);
    return key === undefined ? this.#byText.get(compositeKey(value)) : this.#byPrimitive.get(key);
  }

  sorted(): readonly Value[] {
    this.#sorted ??= [...this.#byPrimitive.values(), ...this.#byText.values()].sort(compare);
    return this.#sorted;
  }

  /** In no particular order; for questions whose answer does not depend on it. */
  *unordered(): IterableIterator<Value> {
    yield* this.#byPrimitive.values();
    yield* this.#byText.values();
  }

  equals(other: RegoSet): boolean {
    if (this.size !== other.size) return false;
    for (const key of this.#byPrimitive.keys()) if (!other.#byPrimitive.has(key)) return false;
    for (const key of this.#byText.keys()) if (!other.#byText.has(key)) return false;
    return true;
  }

  [Symbol.iterator](): Iterator<Value> {
    return this.sorted()[Symbol.iterator]();
  }

  #insert(value: Value): void {
    const key = primitiveKey(value);
    if (key !== undefined) {
      if (!this.#byPrimitive.has(key)) this.#byPrimitive.set(key, value);
      return;
    }
    const text = compositeKey(value);
    if (!this.#byText.has(text)) this.#byText.set(text, value);
  }

  /** Collects members one by one; `done` hands the set over. */
  static builder(): SetBuilder {
    const set = new RegoSet();
    return {
      add(value) {
        set.#insert(value);
      },
      has: (value) => set.has(value),
      get size() {
        return set.size;
      },
      done: () => set,
    };
  }
}

export interface SetBuilder {
  add(value: Value): void;
  has(value: Value): boolean;
  readonly size: number;
  /** Call once, and add nothing afterwards. */
  done(): RegoSet;
}

export function isSet(value: unknown): value is RegoSet {
  return value instanceof RegoSet;
}

export function setFrom(values: Iterable<Value>): RegoSet {
  return new RegoSet(values);
}

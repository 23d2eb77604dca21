/** Distinct values, as sets keep them: the few of most sets in a list, more of them behind keys. */
import { compositeKey, type PrimitiveKey, primitiveKey } from './key.ts';
import type { Value } from './value.ts';

/** Looking through this many primitives is cheaper than making and asking a Map. */
const FEW = 8;

interface Keyed {
  readonly byPrimitive: Map<PrimitiveKey, Value>;
  readonly byText: Map<string, Value>;
}

export class Members {
  /** All members, each a primitive that is its own key, while there are only few. */
  #few: Value[] = [];
  #keyed: Keyed | undefined;

  get size(): number {
    return this.#keyed === undefined ? this.#few.length : this.#keyed.byPrimitive.size + this.#keyed.byText.size;
  }

  add(value: Value): void {
    if (this.#keyed === undefined) {
      const primitive = isOwnKey(value);
      if (primitive && this.#few.includes(value)) return;
      if (primitive && this.#few.length < FEW) {
        this.#few.push(value);
        return;
      }
      this.#keyed = { byPrimitive: new Map(), byText: new Map() };
      for (const each of this.#few) insert(this.#keyed, each);
      this.#few = [];
    }
    insert(this.#keyed, value);
  }

  /** The member that equals `value`, in the member's own spelling. */
  get(value: Value): Value | undefined {
    const key = primitiveKey(value);
    if (this.#keyed === undefined) return key !== undefined && this.#few.includes(key) ? key : undefined;
    return key === undefined ? this.#keyed.byText.get(compositeKey(value)) : this.#keyed.byPrimitive.get(key);
  }

  /** In no particular order. */
  list(): readonly Value[] {
    return this.#keyed === undefined
      ? this.#few
      : [...this.#keyed.byPrimitive.values(), ...this.#keyed.byText.values()];
  }

  equals(other: Members): boolean {
    if (this.size !== other.size) return false;
    if (this.#keyed === undefined || other.#keyed === undefined) {
      return this.list().every((value) => other.get(value) !== undefined);
    }
    for (const key of this.#keyed.byPrimitive.keys()) if (!other.#keyed.byPrimitive.has(key)) return false;
    for (const key of this.#keyed.byText.keys()) if (!other.#keyed.byText.has(key)) return false;
    return true;
  }
}

function isOwnKey(value: Value): value is PrimitiveKey {
  return value === null || typeof value !== 'object';
}

function insert({ byPrimitive, byText }: Keyed, value: Value): void {
  const key = primitiveKey(value);
  if (key !== undefined) {
    if (!byPrimitive.has(key)) byPrimitive.set(key, value);
    return;
  }
  const text = compositeKey(value);
  if (!byText.has(text)) byText.set(text, value);
}

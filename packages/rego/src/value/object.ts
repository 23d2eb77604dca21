/**
 * Rego objects in both forms: plain objects when every key is a string, {@link RegoObject} otherwise.
 * Plain objects are read by own properties only, so `__proto__` and `constructor` are ordinary keys.
 */
import { compare, compareStrings } from './compare.ts';
import { compositeKey, type PrimitiveKey, primitiveKey } from './key.ts';
import { BigNumber } from './number.ts';
import { RegoSet } from './set.ts';
import type { ObjectValue, StringObject, Value } from './value.ts';

export type Entry = readonly [key: Value, value: Value];

/** An object with at least one key that is not a string. Made by {@link objectFromEntries}; never changed afterwards. */
export class RegoObject {
  readonly #byPrimitive = new Map<PrimitiveKey, Entry>();
  readonly #byText = new Map<string, Entry>();
  #sorted: readonly Entry[] | undefined;

  constructor(entries: Iterable<Entry>) {
    for (const entry of entries) {
      const key = primitiveKey(entry[0]);
      if (key === undefined) put(this.#byText, compositeKey(entry[0]), entry);
      else put(this.#byPrimitive, key, entry);
    }
  }

  get size(): number {
    return this.#byPrimitive.size + this.#byText.size;
  }

  get(key: Value): Value | undefined {
    const primitive = primitiveKey(key);
    return primitive === undefined ? this.#byText.get(compositeKey(key))?.[1] : this.#byPrimitive.get(primitive)?.[1];
  }

  /** Sorted by key. */
  entries(): readonly Entry[] {
    this.#sorted ??= [...this.#byPrimitive.values(), ...this.#byText.values()].sort((a, b) => compare(a[0], b[0]));
    return this.#sorted;
  }
}

export function isObject(value: unknown): value is ObjectValue {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof RegoSet) &&
    !(value instanceof BigNumber)
  );
}

export function objectGet(object: ObjectValue, key: Value): Value | undefined {
  if (object instanceof RegoObject) return object.get(key);
  return typeof key === 'string' && Object.hasOwn(object, key) ? object[key] : undefined;
}

export function objectSize(object: ObjectValue): number {
  return object instanceof RegoObject ? object.size : Object.keys(object).length;
}

/** Sorted, as OPA iterates. */
export function objectKeys(object: ObjectValue): readonly Value[] {
  return object instanceof RegoObject ? object.entries().map(([key]) => key) : sortedNames(object);
}

/** Sorted by key, as OPA iterates. */
export function objectEntries(object: ObjectValue): readonly Entry[] {
  if (object instanceof RegoObject) return object.entries();
  return sortedNames(object).map((name) => [name, object[name] as Value] as const);
}

/** The last of equal keys wins. */
export function objectFromEntries(entries: Iterable<Entry>): ObjectValue {
  const list = Array.isArray(entries) ? (entries as readonly Entry[]) : [...entries];
  if (!list.every(([key]) => typeof key === 'string')) return new RegoObject(list);
  const object = emptyObject();
  for (const [key, value] of list) object[key as string] = value;
  return object;
}

/** A plain object to fill before anyone sees it; without prototype, so that any name is a safe key. */
export function emptyObject(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>;
}

function sortedNames(object: StringObject): string[] {
  const names = Object.keys(object);
  return names.length > 1 ? names.sort(compareStrings) : names;
}

/** The first spelling of a key stays (`1`, then `1.0`), its last value counts. */
function put<K>(map: Map<K, Entry>, key: K, entry: Entry): void {
  const known = map.get(key);
  map.set(key, known === undefined ? entry : [known[0], entry[1]]);
}

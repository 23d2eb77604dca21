/** Rego sets: each value once, iterated in OPA's order. */
import { compare } from './compare.ts';
import { Members } from './members.ts';
import type { Value } from './value.ts';

/** A set under construction is only ever held by its builder; a visible one never changes. */
export class RegoSet implements Iterable<Value> {
  readonly #members: Members;
  #sorted: readonly Value[] | undefined;

  constructor(values: Iterable<Value> | Members = []) {
    this.#members = values instanceof Members ? values : collected(values);
  }

  get size(): number {
    return this.#members.size;
  }

  has(value: Value): boolean {
    return this.#members.get(value) !== undefined;
  }

  /** The member that equals `value`, in the member's own spelling. */
  get(value: Value): Value | undefined {
    return this.#members.get(value);
  }

  sorted(): readonly Value[] {
    this.#sorted ??= this.#members.list().toSorted(compare);
    return this.#sorted;
  }

  /** In no particular order; for questions whose answer does not depend on it. */
  unordered(): readonly Value[] {
    return this.#members.list();
  }

  equals(other: RegoSet): boolean {
    return this.#members.equals(other.#members);
  }

  [Symbol.iterator](): Iterator<Value> {
    return this.sorted()[Symbol.iterator]();
  }

  /** Collects members one by one; `done` hands the set over. */
  static builder(): SetBuilder {
    return new SetBuilder();
  }
}

export class SetBuilder {
  readonly #members = new Members();

  get size(): number {
    return this.#members.size;
  }

  add(value: Value): void {
    this.#members.add(value);
  }

  has(value: Value): boolean {
    return this.#members.get(value) !== undefined;
  }

  /** Call once, and add nothing afterwards. */
  done(): RegoSet {
    return new RegoSet(this.#members);
  }
}

export function isSet(value: unknown): value is RegoSet {
  return value instanceof RegoSet;
}

export function setFrom(values: Iterable<Value>): RegoSet {
  return new RegoSet(values);
}

function collected(values: Iterable<Value>): Members {
  const members = new Members();
  for (const value of values) members.add(value);
  return members;
}

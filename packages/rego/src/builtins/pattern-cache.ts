/** Compiled patterns of a policy, kept across its queries; the oldest go first. */
const MAX_PATTERNS = 200;

export class PatternCache {
  readonly #compiled = new Map<string, unknown>();

  /** The value for this key, made by `compile` when it is new. One key must always mean one kind of value. */
  get<T>(key: string, compile: () => T): T {
    const known = this.#compiled.get(key);
    if (known !== undefined) return known as T;
    const made = compile();
    if (this.#compiled.size >= MAX_PATTERNS) {
      const [oldest] = this.#compiled.keys();
      if (oldest !== undefined) this.#compiled.delete(oldest);
    }
    this.#compiled.set(key, made);
    return made;
  }
}

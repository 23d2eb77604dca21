/** A configured secret that no log, error or JSON can show by accident. */
import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/** Holds a secret; only an explicit `reveal()` gives it away. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/** A secret that no log, error or JSON shows by accident, and that may be replaced while it is held. */
import { inspect } from 'node:util';

const REDACTED = '[redacted]';

export class Secret {
  readonly #current: () => string;

  /** @param current asked at every {@link reveal}: where a secret rotates, it is the one of now */
  constructor(current: string | (() => string)) {
    this.#current = typeof current === 'string' ? () => current : current;
  }

  /** The value itself; not to be kept. */
  reveal(): string {
    return this.#current();
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

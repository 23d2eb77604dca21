/**
 * The parts of a sidecar by what they are made from. A new configuration takes over those that did not change, with their
 * connections, keys and tokens; those that nobody uses any more are closed.
 */
import { createHash } from 'node:crypto';
import { Secret } from '@sidegate/sdk/settings';

export interface Part<T = unknown> {
  readonly value: T;
  readonly close: () => Promise<void> | void;
  /** Closing it leaves alone what is under way, so it may be closed while that lasts. */
  readonly graceful?: boolean;
}

export class Components {
  readonly #parts = new Map<string, Part>();
  /** Of the configuration before; undefined once this one has taken its place. */
  #inherited: Components | undefined;

  constructor(inherited?: Components) {
    this.#inherited = inherited;
  }

  /**
   * The part that was made from the same before, else a new one.
   *
   * @param kind tells parts of different types apart
   * @param madeFrom everything that shapes the part, secrets included, as JSON can write it
   */
  take<T>(kind: string, madeFrom: unknown, create: () => Part<T>): T {
    // A digest, so that no secret is kept here.
    const key = createHash('sha256')
      .update(JSON.stringify([kind, madeFrom], revealed))
      .digest('base64');
    const part = this.#parts.get(key) ?? this.#inherited?.part(key) ?? create();
    this.#parts.set(key, part);
    return part.value as T;
  }

  private part(key: string): Part | undefined {
    return this.#parts.get(key);
  }

  /** This one has taken the place of the one before, whose graceful parts end unless they are used here. */
  async settle(): Promise<void> {
    const before = this.#inherited;
    this.#inherited = undefined;
    if (before !== undefined) await before.#close(this, ({ graceful }) => graceful === true);
  }

  /** Closes what `other` does not use. */
  async end(other?: Components): Promise<void> {
    this.#inherited = undefined;
    await this.#close(other, () => true);
  }

  async #close(other: Components | undefined, selects: (part: Part) => boolean): Promise<void> {
    // What was made later may use what was made before it.
    for (const [key, part] of [...this.#parts].toReversed()) {
      if (other?.part(key) !== undefined || !selects(part)) continue;
      this.#parts.delete(key);
      await part.close();
    }
  }
}

/** A secret hides itself when it is written; another secret makes another part. */
function revealed(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const own = this[key];
  return own instanceof Secret ? own.reveal() : value;
}

/**
 * What a realm has revoked, as this process knows it: read from the store at the start, then followed, so that what another replica
 * has kept is known here within moments. What resolved here is kept and known.
 */
import { Problem, type RevocationChange, Revocations, type RevocationsOptions } from '@sidegate/sdk';
import type { RevocationStore, StoredChange } from './revocation-store.ts';

export interface JournalOptions extends RevocationsOptions {
  readonly store: RevocationStore;
}

const BATCH = 5_000;

export class RevocationJournal {
  readonly epoch: string;
  /** Everything that counts now. */
  readonly revocations: Revocations;
  readonly #store: RevocationStore;
  readonly #maxEntries: number;
  readonly #listeners = new Set<(changes: readonly StoredChange[]) => void>();
  #sequence = 0;
  #following: Promise<void> = Promise.resolve();

  private constructor({ store, ...options }: JournalOptions) {
    this.epoch = store.epoch;
    this.revocations = new Revocations(options);
    this.#store = store;
    this.#maxEntries = options.maxEntries;
  }

  /** Rejects with what the store throws. */
  static async open(options: JournalOptions): Promise<RevocationJournal> {
    const journal = new RevocationJournal(options);
    await journal.follow();
    return journal;
  }

  /** The place of the last change that is known here. */
  get sequence(): number {
    return this.#sequence;
  }

  /**
   * Resolves when all of them are kept, and known here.
   *
   * @throws Problem `revocations_full`, or what the store throws, as a rejection
   */
  async record(changes: readonly RevocationChange[]): Promise<void> {
    if (!changes.every((change) => this.#hasRoom(change))) {
      throw new Problem('revocations_full', `${this.#maxEntries} revocations are kept`);
    }
    await this.#store.append(changes);
    await this.follow();
  }

  /** Reads what others have kept meanwhile; rejects with what the store throws. */
  follow(): Promise<void> {
    this.#following = this.#following.catch(() => undefined).then(() => this.#read());
    return this.#following;
  }

  /** @param listener told of changes once they count here, in order */
  onChange(listener: (changes: readonly StoredChange[]) => void): void {
    this.#listeners.add(listener);
  }

  #hasRoom({ operation, revocation: { kind, value } }: RevocationChange): boolean {
    const { revocations } = this;
    return operation === 'lift' || revocations.size < this.#maxEntries || revocations.get(kind, value) !== undefined;
  }

  async #read(): Promise<void> {
    for (;;) {
      const changes = await this.#store.since(this.#sequence, BATCH);
      const last = changes.at(-1);
      if (last === undefined) return;
      for (const { change } of changes) this.revocations.apply(change);
      this.#sequence = last.sequence;
      for (const listener of this.#listeners) listener(changes);
      if (changes.length < BATCH) return;
    }
  }
}

/**
 * What one issuer has revoked, followed as it happens. Every event is verified with the keys of the issuer and has its place: one that
 * is repeated changes nothing, one that is missing makes us ask for the whole state. While the authority is away, what is known stays
 * in force; after {@link RevocationFeedOptions.maxGapMs} it no longer counts as complete.
 */
import type { JwksSource } from '../jwt/jwks-source.ts';
import type { Clock, Random, Schedule } from '../ports.ts';
import { Revocations } from './revocations.ts';
import { type HistoryPlace, placeText, type RevocationEvent, verifySecurityEvent } from './security-event.ts';

export interface RevocationFeedOptions {
  readonly issuer: string;
  readonly keys: JwksSource;
  /** The data of events, and undefined for whatever else shows that the server lives. */
  readonly connect: (lastEventId: string | undefined, signal: AbortSignal) => AsyncIterable<string | undefined>;
  readonly maxEntries: number;
  readonly maxGapMs: number;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly random: Random;
  /** Told of every change between good and bad, once; undefined when all is well again. */
  readonly onChange: (trouble: string | undefined) => void;
}

export interface FeedState {
  readonly issuer: string;
  readonly available: boolean;
  readonly connected: boolean;
  readonly entries: number;
  /** Seconds since the epoch; undefined: never. */
  readonly lastContact: number | undefined;
  readonly connections: number;
}

/** What changed: revocations that concern whoever holds a connection, or tokens alone. */
export type Concerned = 'peers' | 'tokens';

interface Collecting extends HistoryPlace {
  readonly revocations: Revocations;
  part: number;
}

const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 10_000;
const STEADY_MS = 5_000;

export class RevocationFeed {
  readonly issuer: string;
  /** Resolves when everything that is revoked was known once. */
  readonly known: Promise<void>;
  readonly #options: RevocationFeedOptions;
  readonly #stop = new AbortController();
  readonly #resolveKnown: () => void;
  readonly #listeners = new Set<(concerned: Concerned) => void>();
  #revocations: Revocations;
  #place: HistoryPlace | undefined;
  #collecting: Collecting | undefined;
  #available = false;
  #connected = false;
  /** Of what listeners have not heard yet. */
  #untold: Concerned | undefined;
  #connections = 0;
  #failures = 0;
  #trouble: string | undefined;
  #connectedMonotonic = 0;
  #contactMs: number | undefined;
  #contactMonotonic: number;
  #cancelGap: () => void = () => undefined;

  constructor(options: RevocationFeedOptions) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#options = options;
    this.issuer = options.issuer;
    this.known = promise;
    this.#resolveKnown = resolve;
    this.#revocations = this.#empty();
    this.#contactMonotonic = options.clock.monotonic();
    void this.#run();
  }

  /** What is in force. */
  get revocations(): Revocations {
    return this.#revocations;
  }

  /** Whether what is in force is all that was revoked, as of a short time ago. */
  get available(): boolean {
    return this.#available;
  }

  get state(): FeedState {
    return {
      issuer: this.issuer,
      available: this.#available,
      connected: this.#connected,
      entries: this.#revocations.size,
      lastContact: this.#contactMs === undefined ? undefined : this.#contactMs / 1000,
      connections: this.#connections,
    };
  }

  /** @returns what ends it */
  onRevoked(listener: (concerned: Concerned) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#stop.abort();
    this.#cancelGap();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const reason = await this.#follow(signal);
      if (signal.aborted) return;
      this.#lost(reason);
      await this.#pause();
    }
  }

  /** @returns why it ended */
  async #follow(signal: AbortSignal): Promise<string> {
    const { connect } = this.#options;
    this.#collecting = undefined;
    try {
      for await (const data of connect(this.#place && placeText(this.#place), signal)) {
        if (!this.#connected) this.#begin();
        if (data !== undefined) await this.#take(data);
        if (this.#place !== undefined) this.#inContact();
      }
      return 'the stream ended';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async #take(data: string): Promise<void> {
    const { issuer, keys, clock } = this.#options;
    const event = await verifySecurityEvent(data, { issuer, keys, now: clock.now() / 1000 });
    if (event.type === 'state') this.#takeState(event);
    else this.#takeChange(event);
    this.#failures = 0;
  }

  #begin(): void {
    this.#connected = true;
    this.#connections += 1;
    this.#connectedMonotonic = this.#options.clock.monotonic();
  }

  #takeChange({ epoch, sequence, previous, change }: RevocationEvent & { type: 'change' }): void {
    const place = this.#place;
    if (place === undefined || place.epoch !== epoch || previous > place.sequence || this.#collecting !== undefined) {
      this.#forget('an event is missing');
    }
    // Whoever repeats what was, a revocation that has been lifted or a lift before another revocation, changes nothing.
    if (sequence <= place.sequence) return;
    if (!this.#revocations.apply(change)) this.#forget(this.#full());
    this.#place = { epoch, sequence };
    const { kind } = change.revocation;
    if (change.operation === 'revoke') this.#tell(kind === 'client' || kind === 'spiffe_id' ? 'peers' : 'tokens');
  }

  #takeState({ epoch, sequence, part, last, revocations }: RevocationEvent & { type: 'state' }): void {
    if (this.#place?.epoch === epoch && sequence < this.#place.sequence) this.#forget('a state from before');
    if (part === 0) this.#collecting = { epoch, sequence, part: -1, revocations: this.#empty() };
    const collecting = this.#collecting;
    if (collecting?.epoch !== epoch || collecting.sequence !== sequence || collecting.part !== part - 1) {
      this.#forget('a part of the state is missing');
    }
    collecting.part = part;
    for (const revocation of revocations) {
      if (!collecting.revocations.apply({ operation: 'revoke', revocation })) this.#forget(this.#full());
    }
    if (!last) return;
    this.#collecting = undefined;
    this.#revocations = collecting.revocations;
    this.#place = { epoch, sequence };
    this.#tell('peers');
  }

  /** The next connection asks for the whole state. */
  #forget(reason: string): never {
    this.#place = undefined;
    throw new Error(reason);
  }

  #inContact(): void {
    const { clock } = this.#options;
    this.#contactMs = clock.now();
    this.#contactMonotonic = clock.monotonic();
    this.#cancelGap();
    this.#available = true;
    this.#resolveKnown();
    this.#say(undefined);
  }

  #lost(reason: string): void {
    const { clock, maxGapMs, schedule } = this.#options;
    // One that says nothing that counts, and ends at once, is asked less and less often.
    if (this.#connected && clock.monotonic() - this.#connectedMonotonic > STEADY_MS) this.#failures = 0;
    this.#connected = false;
    this.#cancelGap();
    const left = Math.max(0, maxGapMs - (clock.monotonic() - this.#contactMonotonic));
    this.#cancelGap = schedule(left, () => {
      this.#available = false;
      this.#say('what is revoked is not known any more');
    });
    this.#say(reason);
  }

  #pause(): Promise<void> {
    const { schedule, random } = this.#options;
    const longest = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      const over = (): void => {
        cancel();
        signal.removeEventListener('abort', over);
        resolve();
      };
      const cancel = schedule(longest * (0.5 + random() / 2), over);
      signal.addEventListener('abort', over);
    });
  }

  /** Once for all that came together. */
  #tell(concerned: Concerned): void {
    const untold = this.#untold;
    this.#untold = untold === 'peers' ? untold : concerned;
    if (untold !== undefined) return;
    setImmediate(() => {
      const told = this.#untold ?? concerned;
      this.#untold = undefined;
      for (const listener of this.#listeners) listener(told);
    });
  }

  #say(trouble: string | undefined): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#options.onChange(trouble);
  }

  #full(): string {
    return `more than ${this.#options.maxEntries} revocations`;
  }

  #empty(): Revocations {
    const { maxEntries, clock } = this.#options;
    return new Revocations({ maxEntries, clock });
  }
}

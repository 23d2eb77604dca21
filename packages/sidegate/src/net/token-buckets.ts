/**
 * Token buckets, one for each key. A bucket is kept as the time at which it will be full again, so that one that is full needs
 * no place: forgetting it changes nothing. Those are what is forgotten; only when every place holds a bucket that is still
 * filling up, the one that is nearest to full gives way to a new key.
 */

export interface Rate {
  readonly perSecond: number;
  /** What a full bucket holds, and so how many may come at once. */
  readonly burst: number;
}

interface Bucket {
  readonly key: string;
  /** Milliseconds on the monotonic clock. */
  fullAt: number;
  /** Where it stands in the heap. */
  place: number;
}

export interface TokenBucketsOptions {
  readonly rate: Rate;
  /** Milliseconds on a clock that is never set back. */
  readonly monotonic: () => number;
  readonly maxKeys?: number;
}

const MAX_KEYS = 65_536;
/** For sums of fractions of milliseconds: a microsecond, and less where tokens come faster than that. */
const ROUNDING_MS = 0.001;
const ROUNDING_TOKENS = 0.01;

export class TokenBuckets {
  readonly #intervalMs: number;
  readonly #depthMs: number;
  readonly #roundingMs: number;
  readonly #monotonic: () => number;
  readonly #maxKeys: number;
  readonly #buckets = new Map<string, Bucket>();
  /** A binary heap, the bucket that is full first on top. */
  readonly #heap: Bucket[] = [];

  constructor({ rate, monotonic, maxKeys = MAX_KEYS }: TokenBucketsOptions) {
    this.#intervalMs = 1000 / rate.perSecond;
    this.#depthMs = rate.burst * this.#intervalMs;
    this.#roundingMs = Math.min(ROUNDING_MS, this.#intervalMs * ROUNDING_TOKENS);
    this.#monotonic = monotonic;
    this.#maxKeys = maxKeys;
  }

  /** Keys whose buckets are remembered. */
  get size(): number {
    return this.#heap.length;
  }

  /**
   * Takes one token out of the bucket of `key`, if there is one.
   *
   * @returns 0, or the milliseconds until there will be one
   */
  take(key: string): number {
    const now = this.#monotonic();
    const bucket = this.#buckets.get(key);
    const fullAt = Math.max(bucket?.fullAt ?? now, now) + this.#intervalMs;
    const waitMs = fullAt - now - this.#depthMs;
    if (waitMs > this.#roundingMs) return waitMs;
    if (bucket === undefined) this.#add(key, fullAt, now);
    else {
      bucket.fullAt = fullAt;
      this.#sink(bucket);
    }
    return 0;
  }

  /** @returns what {@link take} would, and takes nothing */
  wait(key: string): number {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return 0;
    const now = this.#monotonic();
    const waitMs = Math.max(bucket.fullAt, now) + this.#intervalMs - now - this.#depthMs;
    return waitMs > this.#roundingMs ? waitMs : 0;
  }

  #add(key: string, fullAt: number, now: number): void {
    // Two at a time: they leave faster than new ones come.
    for (let i = 0; i < 2; i += 1) {
      const [first] = this.#heap;
      if (first !== undefined && (first.fullAt <= now || this.#heap.length >= this.#maxKeys)) this.#forgetFirst();
    }
    const bucket = { key, fullAt, place: this.#heap.length };
    this.#buckets.set(key, bucket);
    this.#heap.push(bucket);
    this.#rise(bucket);
  }

  #forgetFirst(): void {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (first === undefined || last === undefined) return;
    this.#buckets.delete(first.key);
    if (last === first) return;
    this.#put(last, 0);
    this.#sink(last);
  }

  #rise(bucket: Bucket): void {
    for (;;) {
      const parent = this.#heap[(bucket.place - 1) >> 1];
      if (parent === undefined || parent.fullAt <= bucket.fullAt) return;
      this.#swap(parent, bucket);
    }
  }

  #sink(bucket: Bucket): void {
    for (;;) {
      const left = this.#heap[2 * bucket.place + 1];
      const right = this.#heap[2 * bucket.place + 2];
      const child = right !== undefined && left !== undefined && right.fullAt < left.fullAt ? right : left;
      if (child === undefined || bucket.fullAt <= child.fullAt) return;
      this.#swap(bucket, child);
    }
  }

  #swap(upper: Bucket, lower: Bucket): void {
    const place = upper.place;
    this.#put(upper, lower.place);
    this.#put(lower, place);
  }

  #put(bucket: Bucket, place: number): void {
    bucket.place = place;
    this.#heap[place] = bucket;
  }
}

/**
 * Batches on their way to a collector. Nobody waits for it: what it does not take in time is lost, the latest first, and counted.
 */
import type { HttpClient, HttpResponse, Random, Schedule } from '@sidegate/sdk';
import type { OtlpSignal } from './otlp.ts';

export interface OtlpExporterOptions {
  readonly http: HttpClient;
  /** Of the collector, without the path of the signal. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: OtlpSignal;
  /** As JSON. */
  readonly resource: string;
  readonly schedule: Schedule;
  readonly random: Random;
  /** Told once when batches begin to fail, and once when they are taken again. */
  readonly onChange: (failure: string | undefined) => void;
  /** So many items were taken, or are lost. */
  readonly onItems: (result: 'exported' | 'dropped', count: number) => void;
}

export interface OtlpExporter {
  /** @param item as JSON */
  add(item: string): void;
  /** One last attempt for what waits. */
  close(): Promise<void>;
}

/** What a batch waits for others. */
const BATCH_MS = 1_000;
const MAX_BATCH = 512;
const MAX_WAITING = 8_192;
const MAX_WAITING_CHARACTERS = 8 * 1024 * 1024;
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [1_000, 30_000];
const MAX_ANSWER_BYTES = 64 * 1024;
/** OTLP/HTTP, "Retryable Response Codes"; everything else that is no success is final. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

type Outcome =
  | { readonly taken: true; readonly rejected: number }
  | { readonly taken: false; readonly failure: string; readonly retry: boolean; readonly pauseMs?: number };

export function createOtlpExporter(options: OtlpExporterOptions): OtlpExporter {
  return new Exporter(options);
}

class Exporter implements OtlpExporter {
  readonly #options: OtlpExporterOptions;
  #waiting: string[] = [];
  #characters = 0;
  #cancelTimer: (() => void) | undefined;
  #sending: Promise<void> | undefined;
  #pauseMs = 0;
  #failing = false;
  #closed = false;

  constructor(options: OtlpExporterOptions) {
    this.#options = options;
  }

  add(item: string): void {
    const full = this.#waiting.length >= MAX_WAITING || this.#characters + item.length > MAX_WAITING_CHARACTERS;
    if (full || this.#closed) {
      this.#options.onItems('dropped', 1);
      return;
    }
    this.#waiting.push(item);
    this.#characters += item.length;
    if (this.#waiting.length >= MAX_BATCH && this.#pauseMs === 0) this.#send();
    else this.#sendIn(BATCH_MS);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    await this.#sending;
    this.#cancelTimer?.();
    let going = true;
    while (going && this.#waiting.length > 0) going = await this.#sendBatch();
    if (this.#waiting.length > 0) this.#options.onItems('dropped', this.#waiting.length);
    this.#waiting = [];
  }

  #sendIn(delayMs: number): void {
    if (this.#cancelTimer !== undefined || this.#sending !== undefined) return;
    this.#cancelTimer = this.#options.schedule(delayMs, () => {
      this.#cancelTimer = undefined;
      this.#send();
    });
  }

  #send(): void {
    if (this.#sending !== undefined) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#sending = this.#sendBatch().then(() => {
      this.#sending = undefined;
      if (this.#waiting.length > 0 && !this.#closed) this.#sendIn(this.#pauseMs || BATCH_MS);
    });
  }

  /** @returns whether the next one may follow */
  async #sendBatch(): Promise<boolean> {
    const { onItems } = this.#options;
    const batch = this.#waiting.slice(0, MAX_BATCH);
    const outcome = await this.#post(batch);
    this.#note(outcome);
    if (!outcome.taken && outcome.retry) {
      this.#pauseMs = outcome.pauseMs ?? this.#nextPause();
      return false;
    }
    this.#pauseMs = 0;
    this.#waiting = this.#waiting.slice(batch.length);
    this.#characters -= batch.reduce((sum, { length }) => sum + length, 0);
    const lost = outcome.taken ? Math.min(outcome.rejected, batch.length) : batch.length;
    if (lost > 0) onItems('dropped', lost);
    if (lost < batch.length) onItems('exported', batch.length - lost);
    return outcome.taken;
  }

  async #post(batch: readonly string[]): Promise<Outcome> {
    const { http, endpoint, headers, timeoutMs, signal, resource } = this.#options;
    try {
      const answer = await http({
        method: 'POST',
        url: `${endpoint.replace(/\/$/, '')}${signal.path}`,
        headers: { 'content-type': 'application/json', ...headers },
        body: signal.body(batch.join(','), resource),
        timeoutMs,
        maxBytes: MAX_ANSWER_BYTES,
      });
      return outcomeOf(answer, signal);
    } catch (error) {
      return { taken: false, failure: error instanceof Error ? error.message : String(error), retry: true };
    }
  }

  /** Doubled each time, and spread, so that many sidecars do not return together. */
  #nextPause(): number {
    const pause = Math.min(Math.max(this.#pauseMs * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
    return pause * (1 + this.#options.random() * 0.2);
  }

  #note(outcome: Outcome): void {
    if (this.#failing === !outcome.taken) return;
    this.#failing = !outcome.taken;
    this.#options.onChange(outcome.taken ? undefined : outcome.failure);
  }
}

function outcomeOf({ status, headers, body }: HttpResponse, { rejected }: OtlpSignal): Outcome {
  if (status >= 200 && status < 300) return { taken: true, rejected: rejectedItems(body, rejected) };
  const failure = `the collector answered ${status}`;
  const seconds = Number(headers['retry-after']);
  if (!RETRYABLE.has(status)) return { taken: false, failure, retry: false };
  if (!(seconds >= 0)) return { taken: false, failure, retry: true };
  return { taken: false, failure, retry: true, pauseMs: Math.min(Math.max(seconds, 1) * 1000, LONGEST_PAUSE_MS) };
}

/** Of an answer that cannot be read, none: the status said success. */
function rejectedItems(body: Buffer, member: string): number {
  try {
    const { partialSuccess } = JSON.parse(body.toString()) as { partialSuccess?: Record<string, unknown> };
    const count = Number(partialSuccess?.[member] ?? 0);
    return Number.isSafeInteger(count) && count > 0 ? count : 0;
  } catch {
    return 0;
  }
}

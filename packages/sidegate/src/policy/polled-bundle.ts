/**
 * Policies from a bundle server, asked again and again. Only a bundle that verifies and compiles takes the place of the
 * one before, all at once; the last good one is kept in a file, for a start without the server.
 */
import { createHash } from 'node:crypto';
import { AnswerTooLarge, type HttpClient, type HttpResponse, type Random, type Schedule } from '@sidegate/sdk';
import type { BundleFile } from './bundle-file.ts';
import type { Decision, PolicyEngine } from './decision.ts';
import type { PolicyFinding } from './policy-finding.ts';

/** An engine that is used until another takes its place. */
export interface BundleEngine {
  readonly decide: PolicyEngine;
  /** What is under way is still decided. */
  close(): Promise<void> | void;
}

export type LoadedBundle =
  | { readonly ok: true; readonly value: BundleEngine }
  | { readonly ok: false; readonly findings: readonly PolicyFinding[] };

export interface PolledBundleOptions {
  readonly http: HttpClient;
  readonly url: string;
  /** `authorization`, where the server asks for it. */
  readonly headers: Readonly<Record<string, string>>;
  readonly intervalMs: number;
  /** Verifies and compiles. */
  readonly load: (bytes: Uint8Array) => Promise<LoadedBundle>;
  readonly file: BundleFile;
  readonly schedule: Schedule;
  readonly random: Random;
  /** Told of every change between good and bad, once; `trouble` is undefined when all is well again. */
  readonly onChange: (trouble: string | undefined, findings: readonly PolicyFinding[]) => void;
}

export interface PolledBundle {
  readonly decide: PolicyEngine;
  /** Resolves once there is a policy. */
  readonly loaded: Promise<void>;
  readonly isLoaded: () => boolean;
  close(): Promise<void>;
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 32 * 1024 * 1024;

const NOTHING_YET: Decision = {
  allow: false,
  failure: 'policy_error',
  unavailable: true,
  reasons: ['no policy bundle is loaded yet'],
};

/** Resolves when the kept bundle, if there is one, decides; the server is asked from then on. */
export async function pollBundle(options: PolledBundleOptions): Promise<PolledBundle> {
  const poller = new Poller(options);
  await poller.begin();
  return poller;
}

class Poller implements PolledBundle {
  readonly loaded: Promise<void>;
  readonly #options: PolledBundleOptions;
  readonly #resolveLoaded: () => void;
  #current: BundleEngine | undefined;
  /** Of the last bundle that was looked at, good or bad: it need not be sent again. */
  #etag: string | undefined;
  #digest: string | undefined;
  /** The digest of a bundle that is not used. */
  #badDigest: string | undefined;
  #trouble: string | undefined;
  #cancel: () => void = () => undefined;
  #closed = false;

  constructor(options: PolledBundleOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.loaded = promise;
    this.#resolveLoaded = resolve;
  }

  readonly isLoaded = (): boolean => this.#current !== undefined;

  readonly decide: PolicyEngine = (input) => (this.#current === undefined ? NOTHING_YET : this.#current.decide(input));

  async begin(): Promise<void> {
    const kept = this.#options.file.read();
    if (kept !== undefined) {
      const loaded = await this.#options.load(kept);
      if (loaded.ok) this.#swap(loaded.value, digestOf(kept));
      else this.#tell('the bundle that was kept is not used', loaded.findings);
    }
    void this.#poll();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#current?.close();
  }

  async #poll(): Promise<void> {
    const answer = await this.#ask();
    if (answer !== undefined && !this.#closed) await this.#take(answer);
    if (this.#closed) return;
    const { schedule, intervalMs, random } = this.#options;
    this.#cancel = schedule(intervalMs * (0.9 + random() / 5), () => void this.#poll());
  }

  async #ask(): Promise<HttpResponse | undefined> {
    const { http, url, headers } = this.#options;
    const condition = this.#etag === undefined ? {} : { 'if-none-match': this.#etag };
    const asked = { 'accept-encoding': 'identity', ...headers, ...condition };
    try {
      return await http({ method: 'GET', url, headers: asked, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES });
    } catch (error) {
      this.#tell(
        error instanceof AnswerTooLarge ? 'the bundle is larger than 32 MiB' : 'the bundle server cannot be reached',
      );
      return undefined;
    }
  }

  async #take({ status, headers, body }: HttpResponse): Promise<void> {
    // What was looked at is as good, or as bad, as it was.
    if (status === 304) return this.#unchanged();
    if (status !== 200) return this.#tell(`the bundle server answered ${status}`);
    const digest = digestOf(body);
    const known = digest === this.#digest;
    this.#etag = headers['etag'];
    this.#digest = digest;
    if (known) return this.#unchanged();
    const loaded = await this.#options.load(body);
    if (!loaded.ok) {
      this.#badDigest = digest;
      return this.#tell('the new bundle is not used, the last good one stays', loaded.findings);
    }
    if (this.#closed) return void loaded.value.close();
    this.#swap(loaded.value, digest);
    this.#keep(body);
  }

  #unchanged(): void {
    if (this.#digest !== undefined && this.#digest !== this.#badDigest) this.#tell(undefined);
  }

  #swap(next: BundleEngine, digest: string): void {
    const before = this.#current;
    this.#current = next;
    this.#digest = digest;
    void before?.close();
    this.#resolveLoaded();
  }

  #keep(body: Buffer): void {
    const failure = this.#options.file.write(body);
    this.#tell(failure === undefined ? undefined : `the bundle cannot be kept for the next start (${failure})`);
  }

  #tell(trouble: string | undefined, findings: readonly PolicyFinding[] = []): void {
    const told = trouble === undefined ? undefined : [trouble, ...findings.map(({ message }) => message)].join('\n');
    if (told === this.#trouble) return;
    this.#trouble = told;
    this.#options.onChange(trouble, findings);
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

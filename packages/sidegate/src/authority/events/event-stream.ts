/**
 * The history of a realm's revocations as server-sent events: each is signed once, whoever listens. A listener that comes with a place
 * in this history gets what came behind it; any other one gets the whole state first. Nothing is kept for one that is slow: it goes
 * on where it was, when it has room again.
 */
import {
  type Clock,
  type HistoryPlace,
  placeText,
  type Revocation,
  type RevocationEvent,
  SECURITY_EVENT_TYPE,
  securityEventClaims,
} from '@sidegate/sdk';
import { fieldLine } from '../../net/fields.ts';
import type { Reply } from '../../net/reply.ts';
import type { KeyRing } from '../issuer/signing-key.ts';
import type { RevocationJournal } from './revocation-journal.ts';
import type { StoredChange } from './revocation-store.ts';

export interface EventStreamOptions {
  readonly issuer: string;
  readonly keys: KeyRing;
  readonly journal: RevocationJournal;
  readonly clock: Pick<Clock, 'now'>;
}

export interface Subscription {
  /** Whether the one who listens may go on; asked at every heartbeat. */
  readonly mayStay: () => boolean;
  /** Where it stands; undefined: nowhere yet. */
  readonly place: HistoryPlace | undefined;
  /** Called once, when it is over. */
  readonly onLeft: () => void;
}

interface Message {
  readonly previous: number;
  readonly sequence: number;
  readonly text: string;
}

interface Subscriber extends Subscription {
  readonly reply: Reply;
  /** Where it stands in this history; -1: it needs the whole state. */
  sequence: number;
  /** Somebody is writing to it. */
  busy: boolean;
  open: boolean;
  /** Called when it has room again, or is gone. */
  resume: (() => void) | undefined;
}

/** Beyond that many changes a listener gets the whole state again. */
const MAX_MESSAGES = 4_096;
/** Of the list in one part of a state: together with its frame it stays below the size of a token. */
const MAX_PART_CHARACTERS = 5_000;
/** Of an entry of that list, around its name. */
const FRAME_CHARACTERS = 50;
/** How soon a listener that lost its connection should be back. */
const RETRY_MS = 500;
const HEARTBEAT = Buffer.from(':\n\n');

export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #subscribers = new Set<Subscriber>();
  /** The last ones, oldest first. */
  readonly #messages: Message[] = [];
  /** The place behind which everything is in {@link #messages}. */
  #signed: number;
  #signing: Promise<void> = Promise.resolve();

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#signed = options.journal.sequence;
    options.journal.onChange((changes) => {
      this.#signing = this.#signing.then(() => this.#publish(changes));
    });
  }

  get size(): number {
    return this.#subscribers.size;
  }

  /** @returns what is called when the one who listens has gone */
  subscribe(reply: Reply, subscription: Subscription): () => void {
    const { place } = subscription;
    const { epoch } = this.#options.journal;
    // One that has heard more than this replica waits until it has caught up.
    const resumes = place?.epoch === epoch;
    const subscriber: Subscriber = {
      ...subscription,
      reply,
      sequence: resumes ? place.sequence : -1,
      busy: false,
      open: true,
      resume: undefined,
    };
    this.#subscribers.add(subscriber);
    reply.close();
    reply.head(200, fieldLine('Content-Type', 'text/event-stream') + fieldLine('Cache-Control', 'no-store'), undefined);
    reply.write(Buffer.from(`retry: ${RETRY_MS}\n\n`));
    reply.flush();
    void this.#deliver(subscriber);
    return () => this.#leave(subscriber);
  }

  /** To be called every few seconds: tells listeners that nothing is new, and ends those that must not stay. */
  heartbeat(): void {
    for (const subscriber of this.#subscribers) {
      if (!subscriber.mayStay()) this.#end(subscriber);
      else if (!subscriber.busy) {
        subscriber.reply.write(HEARTBEAT);
        subscriber.reply.flush();
      }
    }
  }

  close(): void {
    for (const subscriber of this.#subscribers) this.#end(subscriber);
  }

  async #publish(changes: readonly StoredChange[]): Promise<void> {
    try {
      await this.#signAll(changes);
    } catch {
      // What could not be said in its place is in the state, which everybody gets next.
      this.#messages.length = 0;
      this.#signed = changes.at(-1)?.sequence ?? this.#signed;
    }
    if (this.#messages.length > MAX_MESSAGES) this.#messages.splice(0, this.#messages.length - MAX_MESSAGES);
    for (const subscriber of this.#subscribers) void this.#deliver(subscriber);
  }

  async #signAll(changes: readonly StoredChange[]): Promise<void> {
    const { epoch } = this.#options.journal;
    for (const { sequence, change } of changes) {
      const previous = this.#signed;
      const token = await this.#sign({ type: 'change', epoch, sequence, previous, change });
      this.#messages.push({ previous, sequence, text: eventText(token, { epoch, sequence }) });
      this.#signed = sequence;
    }
  }

  async #deliver(subscriber: Subscriber): Promise<void> {
    if (subscriber.busy) return;
    subscriber.busy = true;
    try {
      while (subscriber.open && subscriber.sequence < this.#signed) {
        const messages = this.#behind(subscriber.sequence);
        if (messages === undefined) await this.#sendState(subscriber);
        for (const { text, sequence } of messages ?? []) {
          if (!(await this.#send(subscriber, text))) return;
          subscriber.sequence = sequence;
        }
      }
    } catch {
      // Without a signature there is nothing to say: it comes back, here or at another replica.
      this.#end(subscriber);
    } finally {
      subscriber.busy = false;
    }
  }

  /** Undefined: they do not reach back that far. */
  #behind(sequence: number): readonly Message[] | undefined {
    const first = this.#messages.findLastIndex((message) => message.sequence <= sequence) + 1;
    const next = this.#messages[first];
    return next !== undefined && next.previous <= sequence ? this.#messages.slice(first) : undefined;
  }

  async #sendState(subscriber: Subscriber): Promise<void> {
    const { epoch, sequence } = this.#options.journal;
    let part = 0;
    for (const [revocations, last] of parts(this.#options.journal)) {
      const token = await this.#sign({ type: 'state', epoch, sequence, part, last, revocations });
      // Only the end of a state is a place to go on from.
      if (!(await this.#send(subscriber, eventText(token, last ? { epoch, sequence } : undefined)))) return;
      part += 1;
    }
    subscriber.sequence = sequence;
  }

  /** @returns false when nobody is there any more */
  async #send(subscriber: Subscriber, text: string): Promise<boolean> {
    const { reply } = subscriber;
    if (!subscriber.open) return false;
    reply.write(Buffer.from(text));
    if (reply.flush()) return true;
    await new Promise<void>((resolve) => {
      subscriber.resume = resolve;
      reply.whenDrained(resolve);
    });
    return subscriber.open;
  }

  async #sign(event: RevocationEvent): Promise<string> {
    const { issuer, keys, clock } = this.#options;
    const key = keys.current('ES256') ?? keys.current('RS256');
    if (key === undefined) throw new Error(`${issuer} has no key`);
    return key.signJwt(SECURITY_EVENT_TYPE, securityEventClaims(event, { issuer, now: clock.now() / 1000 }));
  }

  #end(subscriber: Subscriber): void {
    this.#leave(subscriber);
    subscriber.reply.end();
  }

  #leave(subscriber: Subscriber): void {
    if (!this.#subscribers.delete(subscriber)) return;
    subscriber.open = false;
    subscriber.onLeft();
    subscriber.resume?.();
  }
}

/** The whole state in parts, at least one; with each, whether it is the last. */
function* parts({ revocations }: RevocationJournal): Generator<readonly [Revocation[], boolean]> {
  let part: Revocation[] = [];
  let characters = 0;
  for (const revocation of revocations.entries()) {
    const length = Buffer.byteLength(JSON.stringify(revocation.value)) + FRAME_CHARACTERS;
    if (characters + length > MAX_PART_CHARACTERS && part.length > 0) {
      yield [part, false];
      part = [];
      characters = 0;
    }
    part.push(revocation);
    characters += length;
  }
  yield [part, true];
}

function eventText(token: string, place: HistoryPlace | undefined): string {
  return `${place === undefined ? '' : `id: ${placeText(place)}\n`}data: ${token}\n\n`;
}

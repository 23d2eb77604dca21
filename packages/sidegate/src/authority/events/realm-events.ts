/** What a realm revokes, and who is told of it: opened with the realm, closed before its listener. */
import type { Clock } from '@sidegate/sdk';
import type { KeyRing } from '../issuer/signing-key.ts';
import { EventStream } from './event-stream.ts';
import { RevocationJournal } from './revocation-journal.ts';
import type { RevocationStore } from './revocation-store.ts';

export interface RealmEventsOptions {
  readonly issuer: string;
  readonly keys: KeyRing;
  readonly store: RevocationStore;
  /** Revocations that count at once. */
  readonly maxRevocations: number;
  readonly clock: Clock;
  /** Told of every change between good and bad, once; undefined when all is well again. */
  readonly onChange: (failure: Error | undefined) => void;
}

export interface RealmEvents {
  readonly journal: RevocationJournal;
  readonly stream: EventStream;
  close(): void;
}

/** How late what another replica has kept may be known here. */
const FOLLOW_MS = 250;
/** Of these, the one after which everybody is told that the stream lives. */
const HEARTBEAT_EVERY = 12;

/** Rejects with what the store throws. */
export async function openRealmEvents(options: RealmEventsOptions): Promise<RealmEvents> {
  const { issuer, keys, store, maxRevocations: maxEntries, clock } = options;
  const journal = await RevocationJournal.open({ store, maxEntries, clock });
  const stream = new EventStream({ issuer, keys, journal, clock });
  let failed = false;
  let ticks = 0;
  const tick = async (): Promise<void> => {
    try {
      await journal.follow();
      if (failed) options.onChange(undefined);
      failed = false;
    } catch (error) {
      if (!failed) options.onChange(error instanceof Error ? error : new Error(String(error)));
      failed = true;
    }
    ticks += 1;
    // Without a store nobody can say that nothing is new: whoever listens looks for another replica.
    if (!failed && ticks % HEARTBEAT_EVERY === 0) stream.heartbeat();
  };
  let ticking = false;
  const timer = setInterval(() => {
    if (ticking) return;
    ticking = true;
    void tick().finally(() => (ticking = false));
  }, FOLLOW_MS).unref();
  return {
    journal,
    stream,
    close: () => {
      clearInterval(timer);
      stream.close();
    },
  };
}

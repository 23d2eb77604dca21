/** `GET …/events`: who may listen to a realm's revocations. Fails closed: only who shows a verified client certificate. */
import { parsePlace } from '@sidegate/sdk';
import type { Answer } from '../issuer/answer.ts';
import type { PeerCertificate } from '../issuer/peer-certificate.ts';
import { identityOf } from '../issuer/require-unrevoked.ts';
import type { StreamedAnswer } from '../issuer/serve.ts';
import type { RealmEvents } from './realm-events.ts';

export interface EventsRequest {
  readonly peer: PeerCertificate | undefined;
  readonly lastEventId: string | undefined;
}

export interface EventsEndpoint {
  readonly events: RealmEvents;
  readonly now: () => number;
  readonly limits: SubscriberLimits;
}

/** Counts those who listen, to any realm. */
export class SubscriberLimits {
  readonly #perCertificate = new Map<string, number>();
  readonly #maxTotal: number;
  readonly #maxPerCertificate: number;
  #total = 0;

  constructor({ total, perCertificate }: { readonly total: number; readonly perCertificate: number }) {
    this.#maxTotal = total;
    this.#maxPerCertificate = perCertificate;
  }

  /** @returns false when there are too many */
  enter(thumbprint: string): boolean {
    const count = this.#perCertificate.get(thumbprint) ?? 0;
    if (this.#total >= this.#maxTotal || count >= this.#maxPerCertificate) return false;
    this.#total += 1;
    this.#perCertificate.set(thumbprint, count + 1);
    return true;
  }

  leave(thumbprint: string): void {
    const count = this.#perCertificate.get(thumbprint) ?? 0;
    this.#total -= 1;
    if (count > 1) this.#perCertificate.set(thumbprint, count - 1);
    else this.#perCertificate.delete(thumbprint);
  }
}

const RETRY_AFTER_SECONDS = 5;

export function answerEvents({ peer, lastEventId }: EventsRequest, endpoint: EventsEndpoint): Answer | StreamedAnswer {
  const { events, limits } = endpoint;
  const listener = peer === undefined ? undefined : identityOf(peer);
  if (listener === undefined || !maySubscribe(listener, endpoint)) {
    return refusal(403, 'access_denied', 'events are for those who show a verified client certificate that counts');
  }
  if (!limits.enter(listener.thumbprint)) {
    const busy = refusal(503, 'temporarily_unavailable', 'too many listen already');
    return { ...busy, headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } };
  }
  return {
    stream: (reply) => {
      const place = lastEventId === undefined ? undefined : parsePlace(lastEventId);
      return events.stream.subscribe(reply, {
        place,
        mayStay: () => maySubscribe(listener, endpoint),
        onLeft: () => limits.leave(listener.thumbprint),
      });
    },
  };
}

type Listener = NonNullable<ReturnType<typeof identityOf>>;

function maySubscribe({ spiffeId, notBefore, notAfter }: Listener, { events, now }: EventsEndpoint): boolean {
  const { revocations } = events.journal;
  return notAfter > now() && revocations.ofPeer({ spiffeId, clientId: undefined, notBefore }) === undefined;
}

function refusal(status: number, error: string, description: string): Answer {
  return { status, headers: {}, body: { error, error_description: description } };
}

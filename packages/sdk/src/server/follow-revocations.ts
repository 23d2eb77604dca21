/** What authorities revoke, followed by the process of a service as a sidecar does it: the stream of events, verified, and what it means while it is away. */
import type { Identity } from '../identity/identity.ts';
import { Problem } from '../problem.ts';
import { readEvents } from '../revocation/event-source.ts';
import { type OnUnavailable, RevocationCheck } from '../revocation/revocation-check.ts';
import { type FeedState, RevocationFeed } from '../revocation/revocation-feed.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { type IssuerWithKeys, withKeys } from './issuer-keys.ts';

export interface RevocationSource {
  /** Whose events they are: its keys verify them, its tokens and clients are concerned. */
  readonly issuer: string | IssuerWithKeys;
  /** https; by default `<issuer>/events`, as an authority has it. */
  readonly eventsUrl?: string;
}

export interface FollowRevocationsOptions {
  readonly sources: readonly RevocationSource[];
  /** The certificate by which the authorities know this service, and whom it trusts. */
  readonly identity: Identity;
  /**
   * Once an authority cannot be heard for longer than `maxGapMs`, and before it was heard for the first time: `refuse` answers 503, the
   * default; `serve` goes on with what was known last, and so fails open.
   */
  readonly onUnavailable?: OnUnavailable;
  /** For so long without the authority, what was known last counts as known: 30,000 by default. */
  readonly maxGapMs?: number;
  /** Revocations of one issuer, 1,000,000 by default; with more of them it is not known what was revoked. */
  readonly maxEntries?: number;
  /** Told when an issuer cannot be followed, and with undefined when all is well again. */
  readonly onChange?: (issuer: string, trouble: string | undefined) => void;
  readonly runtime?: Runtime;
}

/** For {@link BearerOptions.revocations} and {@link MutualTlsOptions.revocations}, which close it with them. */
export interface FollowedRevocations extends Pick<RevocationCheck, 'requireKnown' | 'checkPeer' | 'checkToken'> {
  /** Resolves when everything that is revoked was known once: a service that refuses until then is not ready. */
  readonly known: Promise<void>;
  /** For health and metrics. */
  states(): readonly FeedState[];
  close(): void;
}

/** An authority says something every three seconds. */
const SILENT_MS = 10_000;
const MAX_GAP_MS = 30_000;
const MAX_ENTRIES = 1_000_000;

/**
 * Follows the revocations of authorities, for the guards of this process.
 *
 * @throws RangeError when no source is named, or one is not https
 * @example
 * ```ts
 * import { bearer, followRevocations, identityFromFiles } from '@sidegate/sdk/server';
 *
 * const issuer = 'https://authority.example.com/realms/services';
 * const identity = identityFromFiles({ cert: '/etc/certs/tls.crt', key: '/etc/certs/tls.key', ca: '/etc/certs/ca.crt' });
 * const revocations = followRevocations({ sources: [{ issuer }], identity, onChange: console.warn });
 * const tokens = bearer({ issuers: [issuer], audience: 'payment-service', revocations });
 * await revocations.known;
 * ```
 */
export function followRevocations(options: FollowRevocationsOptions): FollowedRevocations {
  const { sources, onUnavailable = 'refuse' } = options;
  if (sources.length === 0) throw new RangeError('followRevocations: name whose revocations are followed, in sources');
  const urls = sources.map(eventsUrlOf);
  const followed = sources.map((source, index) => open(source, urls[index] ?? '', options));
  const feeds = followed.map(({ feed }) => feed);
  const check = new RevocationCheck(feeds, onUnavailable);
  let closed = false;
  return {
    requireKnown() {
      if (closed) throw new Problem('revocations_unavailable', 'revocations are not followed any more');
      check.requireKnown();
    },
    checkPeer: (peer) => check.checkPeer(peer),
    checkToken: (token) => check.checkToken(token),
    known: Promise.all(feeds.map(({ known }) => known)).then(() => undefined),
    states: () => check.states(),
    close() {
      closed = true;
      for (const { close } of followed) close();
    },
  };
}

function eventsUrlOf({ issuer, eventsUrl }: RevocationSource): string {
  const url = eventsUrl ?? `${typeof issuer === 'string' ? issuer : issuer.issuer}/events`;
  if (URL.parse(url)?.protocol === 'https:') return url;
  throw new RangeError(`followRevocations: ${url} is not https; the authority knows this service by its certificate`);
}

interface Followed {
  readonly feed: RevocationFeed;
  readonly close: () => void;
}

function open({ issuer: given }: RevocationSource, url: string, options: FollowRevocationsOptions): Followed {
  const { identity, maxGapMs = MAX_GAP_MS, maxEntries = MAX_ENTRIES, onChange, runtime = systemRuntime() } = options;
  const { issuer, keys } = withKeys(given, runtime);
  const feed = new RevocationFeed({
    issuer,
    keys,
    maxGapMs,
    maxEntries,
    ...runtime,
    connect: async function* (lastEventId, signal) {
      const tls = await identity.current();
      yield* readEvents({ url, tls, lastEventId, silentMs: SILENT_MS, signal });
    },
    onChange: (trouble) => onChange?.(issuer, trouble),
  });
  return {
    feed,
    close() {
      feed.close();
      // Keys that were given are their giver's.
      if (typeof given === 'string') keys.close();
    },
  };
}

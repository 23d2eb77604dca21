/** `revocation` → what follows the revocations of issuers, and what asks it. */
import { type JwksSource, RevocationCheck, RevocationFeed, readEvents } from '@sidegate/sdk';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { type ClientTls, dialledAddress } from '../net/connector.ts';
import { clientTls } from './assemble-upstreams.ts';
import type { Assembly } from './assembly.ts';

/** What an issuer's keys are made from, and the keys. */
export interface IssuerKeySource {
  readonly issuer: string;
  readonly jwks_url?: string | undefined;
  readonly jwks_refresh_interval: number;
  readonly keys: JwksSource;
}

export interface AssembledRevocation {
  readonly check: RevocationCheck;
  /** One for each source that must be known: resolved when it was known once. */
  readonly known: readonly Promise<void>[];
}

/** The authority says something every three seconds. */
const SILENT_MS = 10_000;

/** Undefined: no revocations are followed. */
export function assembleRevocation(
  { revocation }: SidecarConfig,
  issuers: readonly IssuerKeySource[],
  assembly: Assembly,
): AssembledRevocation | undefined {
  const { sources, on_unavailable: onUnavailable, max_gap: maxGapMs, max_entries: maxEntries } = revocation;
  if (sources.length === 0) return undefined;
  const feeds = sources.flatMap(({ issuer: name, events_url: url, tls }) => {
    const issuer = issuers.find((candidate) => candidate.issuer === name);
    // Without it the configuration is refused.
    return issuer === undefined
      ? []
      : [openFeed(issuer, { url, tls: clientTls(tls, assembly), maxGapMs, maxEntries }, assembly)];
  });
  const known = onUnavailable === 'refuse' ? feeds.map((feed) => feed.known) : [];
  return { check: new RevocationCheck(feeds, onUnavailable), known };
}

interface FeedSettings {
  readonly url: string;
  readonly tls: ClientTls;
  readonly maxGapMs: number;
  readonly maxEntries: number;
}

function openFeed(source: IssuerKeySource, { tls, ...settings }: FeedSettings, assembly: Assembly): RevocationFeed {
  const { clock, schedule, random, connectTo, logger, components } = assembly;
  const { keys, issuer, jwks_url, jwks_refresh_interval } = source;
  const { url, maxGapMs, maxEntries } = settings;
  const dial = dialledAddress(new URL(url), connectTo);
  const madeFrom = { issuer, jwks_url, jwks_refresh_interval, ...settings };
  const { feed, use } = components.take('revocation feed', madeFrom, () => {
    // A certificate that follows another changes nothing about what is known.
    let current = tls;
    const made = new RevocationFeed({
      issuer,
      keys,
      maxGapMs,
      maxEntries,
      clock,
      schedule,
      random,
      connect: (lastEventId, signal) =>
        readEvents({ url, tls: current, dial, lastEventId, silentMs: SILENT_MS, signal }),
      onChange: (reason) => {
        if (reason === undefined) logger.info({ issuer }, 'revocations are followed');
        else logger.warn({ issuer, reason }, 'revocations cannot be followed');
      },
    });
    const value = {
      feed: made,
      use: (next: ClientTls): void => {
        current = next;
      },
    };
    return { value, close: () => made.close() };
  });
  use(tls);
  return feed;
}

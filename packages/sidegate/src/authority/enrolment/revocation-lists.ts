/** The revocation list of every authority that is trusted. A list stays as it is for half its life, unless there is something new. */
import { issueRevocationList } from '../ca/revocation-list.ts';
import { type Authority, readAuthorities } from './authorities.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { revokedEntries } from './certificates.ts';

export interface RevocationLists {
  /** DER, by the id of the authority that signed it. */
  current(): Promise<ReadonlyMap<string, Buffer>>;
}

interface Kept {
  readonly serialNumbers: string;
  readonly der: Buffer;
  readonly thisUpdate: number;
}

export function createRevocationLists(ca: CertificateAuthority, validForMs: number): RevocationLists {
  const { database, clock } = ca.options;
  const kept = new Map<string, Kept>();
  return {
    current: async () => {
      const now = clock.now();
      const entries = await revokedEntries(database, now);
      const lists = new Map<string, Buffer>();
      for (const authority of await trusted(ca, now)) {
        const own = entries.get(authority.id) ?? [];
        const serialNumbers = own.map(({ serialNumber }) => serialNumber).join();
        const before = kept.get(authority.id);
        if (before?.serialNumbers === serialNumbers && now - before.thisUpdate < validForMs / 2) {
          lists.set(authority.id, before.der);
          continue;
        }
        // Whole seconds, and a moment ago: a reader's clock may be a little behind.
        const thisUpdate = Math.floor(now / 1000) * 1000 - SKEW_MS;
        const content = { entries: own, thisUpdate, nextUpdate: thisUpdate + SKEW_MS + validForMs };
        const der = issueRevocationList(content, ca.issuerOf(authority));
        kept.set(authority.id, { serialNumbers, der, thisUpdate: now });
        lists.set(authority.id, der);
      }
      return lists;
    },
  };
}

const SKEW_MS = 60_000;

async function trusted(ca: CertificateAuthority, now: number): Promise<Authority[]> {
  const authorities = await readAuthorities(ca.options.database);
  return authorities.filter(({ state, expiresAt }) => state !== 'retired' && expiresAt > now);
}

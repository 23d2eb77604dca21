/** Which workloads were revoked, as the store has it now, in whatever realm that was said. */
import type { Queries } from '../store/database.ts';
import { isWorkloadRevoked, revokedWorkloads } from '../store/revocations.ts';
import type { RevokedWorkloads } from './ports.ts';

export interface StoredRevokedWorkloads extends RevokedWorkloads {
  /** Looks anew, and tells subscribers of a change. */
  refresh(): Promise<void>;
}

export function storedRevokedWorkloads(
  queries: Queries,
  clock: { readonly now: () => number },
): StoredRevokedWorkloads {
  const listeners = new Set<() => void>();
  let known: string | undefined;
  return {
    // The store itself: what it was told of a moment ago counts already.
    isRevoked: (id, issuedAt) =>
      isWorkloadRevoked(queries, id.uri, { issuedAt: issuedAt / 1000, now: clock.now() / 1000 }),
    subscribe(told) {
      listeners.add(told);
      return () => void listeners.delete(told);
    },
    async refresh() {
      const now = JSON.stringify(await revokedWorkloads(queries, clock.now() / 1000));
      const before = known;
      known = now;
      if (before === undefined || before === now) return;
      for (const listener of listeners) listener();
    },
  };
}

/** Who enrolled: each instance of a service, what it holds, and what it has told of the bundle that it trusts. */
import type { Queries } from '../store/database.ts';

export interface Holder {
  readonly id: string;
  readonly spiffeId: string;
  /** Thumbprint of the certificate that it showed last. */
  readonly shown: string;
  /** The authority that signed that one, and its root. */
  readonly root: string;
  /** Of the bundle that it trusts. */
  readonly bundleSequence: number;
  /** When it was last heard of. */
  readonly seenAt: number;
}

/** Whoever enrols is given the bundle with the certificate. */
export async function registerHolder(
  queries: Queries,
  { id, spiffeId, shown, bundleSequence, seenAt }: Omit<Holder, 'root'>,
): Promise<void> {
  await queries.query(
    'INSERT INTO holders (id, spiffe_id, shown, bundle_sequence, seen_at) VALUES ($1, $2, $3, $4, $5)',
    [id, spiffeId, shown, bundleSequence, seenAt],
  );
}

export async function recordSighting(
  queries: Queries,
  { id, shown, bundleSequence, seenAt }: Pick<Holder, 'id' | 'shown' | 'bundleSequence' | 'seenAt'>,
): Promise<void> {
  await queries.query('UPDATE holders SET shown = $1, bundle_sequence = $2, seen_at = $3 WHERE id = $4', [
    shown,
    bundleSequence,
    seenAt,
    id,
  ]);
}

/** Those with a certificate that is good now: the others must enrol again, and are given the bundle then. */
export async function liveHolders(queries: Queries, now: number): Promise<Holder[]> {
  const rows = await queries.query<{
    id: string;
    spiffe_id: string;
    shown: string;
    root: string;
    bundle_sequence: number;
    seen_at: number;
  }>(
    `SELECT h.id, h.spiffe_id, h.shown, a.root, h.bundle_sequence, h.seen_at
     FROM holders h JOIN certificates s ON s.thumbprint = h.shown JOIN authorities a ON a.id = s.authority
     WHERE EXISTS (SELECT 1 FROM certificates c WHERE c.holder = h.id AND c.not_after > $1 AND c.revoked_at IS NULL)
     ORDER BY h.spiffe_id, h.id`,
    [now],
  );
  return rows.map(({ spiffe_id: spiffeId, bundle_sequence: bundleSequence, seen_at: seenAt, ...row }) => ({
    ...row,
    spiffeId,
    bundleSequence,
    seenAt,
  }));
}

/** The revocations of a realm, kept for all replicas and over restarts: what was last said about each name, and in which order. */
import { randomBytes } from 'node:crypto';
import type { Revocation, RevocationChange, RevokedKind } from '@sidegate/sdk';
import type { RevocationStore } from '../events/revocation-store.ts';
import type { Database, Queries } from './database.ts';

export interface StoredRevocations {
  /** Rejects with StoreUnavailable. */
  open(realm: string): Promise<RevocationStore>;
  /** Forgets what has ended; to be run every minute or so. */
  sweep(nowMs: number): Promise<void>;
}

interface Row {
  readonly sequence: number;
  readonly kind: RevokedKind;
  readonly value: string;
  readonly lifted: number;
  readonly issued_until: number | null;
  readonly ends_at: number | null;
}

/** A replica that follows learns of what was lifted within that time. */
const LIFTED_SECONDS = 86_400;

export function storedRevocations(database: Database, now: () => number): StoredRevocations {
  return {
    open: async (realm) => {
      await database.query(
        'INSERT INTO revocation_histories (realm, epoch, sequence) VALUES ($1, $2, 0) ON CONFLICT (realm) DO NOTHING',
        [realm, randomBytes(16).toString('base64url')],
      );
      const [history] = await database.query<{ epoch: string }>(
        'SELECT epoch FROM revocation_histories WHERE realm = $1',
        [realm],
      );
      if (history === undefined) throw new Error(`realm ${realm} has no history`);
      return {
        epoch: history.epoch,
        append: (changes) =>
          database.transaction(async (queries) => {
            for (const change of changes) await append(queries, realm, ended(change, now() / 1000));
          }),
        since: async (sequence, limit) => {
          const rows = await database.query<Row>(
            `SELECT sequence, kind, value, lifted, issued_until, ends_at FROM revocations
             WHERE realm = $1 AND sequence > $2 ORDER BY sequence LIMIT $3`,
            [realm, sequence, limit],
          );
          return rows.map((row) => ({ sequence: row.sequence, change: changeOf(row) }));
        },
      };
    },
    sweep: async (nowMs) => {
      await database.query('DELETE FROM revocations WHERE ends_at < $1', [Math.floor(nowMs / 1000)]);
    },
  };
}

/**
 * Whether certificates of a workload that were issued at a time are revoked, in whatever realm.
 *
 * @param issuedAt seconds since the epoch
 */
export async function isWorkloadRevoked(
  queries: Queries,
  spiffeId: string,
  { issuedAt, now }: { readonly issuedAt: number; readonly now: number },
): Promise<boolean> {
  const found = await queries.query(
    `SELECT realm FROM revocations WHERE kind = 'spiffe_id' AND value = $1 AND lifted = 0
     AND (issued_until IS NULL OR issued_until >= $2) AND (ends_at IS NULL OR ends_at > $3)`,
    [spiffeId, Math.floor(issuedAt), Math.floor(now)],
  );
  return found.length > 0;
}

/** What is said of workloads now, in an order of its own. */
export async function revokedWorkloads(queries: Queries, now: number): Promise<readonly object[]> {
  return queries.query<{ value: string }>(
    `SELECT realm, value, sequence, issued_until FROM revocations
     WHERE kind = 'spiffe_id' AND lifted = 0 AND (ends_at IS NULL OR ends_at > $1) ORDER BY realm, value`,
    [Math.floor(now)],
  );
}

async function append(queries: Queries, realm: string, { operation, revocation }: RevocationChange): Promise<void> {
  // Whoever appends to this history waits here, so that places become visible in their order.
  const [history] = await queries.query<{ sequence: number }>(
    'UPDATE revocation_histories SET sequence = sequence + 1 WHERE realm = $1 RETURNING sequence',
    [realm],
  );
  if (history === undefined) throw new Error(`realm ${realm} has no history`);
  const { kind, value, issuedUntil = null, endsAt = null } = revocation;
  await queries.query(
    `INSERT INTO revocations (realm, kind, value, sequence, lifted, issued_until, ends_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (realm, kind, value) DO UPDATE SET sequence = excluded.sequence, lifted = excluded.lifted,
       issued_until = excluded.issued_until, ends_at = excluded.ends_at`,
    [realm, kind, value, history.sequence, operation === 'lift' ? 1 : 0, issuedUntil, endsAt],
  );
}

function ended({ operation, revocation }: RevocationChange, now: number): RevocationChange {
  if (operation === 'revoke') return { operation, revocation };
  return { operation, revocation: { ...revocation, endsAt: Math.ceil(now) + LIFTED_SECONDS } };
}

function changeOf({ kind, value, lifted, issued_until, ends_at }: Row): RevocationChange {
  const revocation: Revocation = {
    kind,
    value,
    issuedUntil: issued_until ?? undefined,
    endsAt: ends_at ?? undefined,
  };
  return { operation: lifted === 1 ? 'lift' : 'revoke', revocation };
}

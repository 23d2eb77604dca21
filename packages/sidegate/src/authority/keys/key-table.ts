/** Signing keys in the store. */

import type { SignatureAlgorithm, SigningKey } from '../issuer/signing-key.ts';
import type { Queries } from '../store/database.ts';
import type { KeyRecord } from './key-life.ts';

interface Row {
  readonly kid: string;
  readonly realm: string;
  readonly algorithm: string;
  readonly generation: number;
  readonly public_jwk: string;
  readonly handle: string;
  readonly created_at: number;
  readonly activate_at: number;
  readonly retired_at: number | null;
}

/** Oldest first. */
export async function allKeys(queries: Queries): Promise<KeyRecord[]> {
  const rows = await queries.query<Row>('SELECT * FROM signing_keys ORDER BY realm, algorithm, generation');
  return rows.map((row) => ({
    kid: row.kid,
    realm: row.realm,
    // only what addKey wrote is there
    algorithm: row.algorithm as SignatureAlgorithm,
    generation: row.generation,
    publicJwk: JSON.parse(row.public_jwk) as SigningKey['publicJwk'],
    handle: row.handle,
    createdAt: row.created_at,
    activateAt: row.activate_at,
    retiredAt: row.retired_at ?? undefined,
  }));
}

/** Whether it was added: of replicas that add the same generation one succeeds. */
export async function addKey(queries: Queries, key: KeyRecord): Promise<boolean> {
  const added = await queries.query(
    `INSERT INTO signing_keys (kid, realm, algorithm, generation, public_jwk, handle, created_at, activate_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (realm, algorithm, generation) DO NOTHING RETURNING kid`,
    [
      key.kid,
      key.realm,
      key.algorithm,
      key.generation,
      JSON.stringify(key.publicJwk),
      key.handle,
      key.createdAt,
      key.activateAt,
    ],
  );
  return added.length > 0;
}

export async function markRetired(queries: Queries, kid: string, nowMs: number): Promise<void> {
  await queries.query('UPDATE signing_keys SET retired_at = $2 WHERE kid = $1 AND retired_at IS NULL', [kid, nowMs]);
}

/** Private halves of keys that nothing needs any more; the public ones stay for the record. */
export async function forgetHandle(queries: Queries, kid: string): Promise<void> {
  await queries.query("UPDATE signing_keys SET handle = '' WHERE kid = $1", [kid]);
}

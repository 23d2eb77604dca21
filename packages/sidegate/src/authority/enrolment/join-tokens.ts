/** Join tokens: random, for one identity, good once and for minutes. Kept as digests: who reads the store can enrol nobody. */
import { createHash } from 'node:crypto';
import type { Queries } from '../store/database.ts';
import type { Identity } from './identity.ts';

export interface JoinToken {
  readonly digest: string;
  readonly identity: Identity;
  readonly spiffeId: string;
  readonly expiresAt: number;
}

const TOKEN_BYTES = 32;

/** @returns the token: what is kept tells nobody what it is */
export async function createJoinToken(
  queries: Queries,
  { identity, spiffeId, expiresAt }: Omit<JoinToken, 'digest'>,
  random: (bytes: number) => Buffer,
): Promise<string> {
  const token = random(TOKEN_BYTES).toString('base64url');
  await queries.query('INSERT INTO join_tokens (digest, identity, spiffe_id, expires_at) VALUES ($1, $2, $3, $4)', [
    digestOf(token),
    JSON.stringify(identity),
    spiffeId,
    expiresAt,
  ]);
  return token;
}

/** Of one that was not used and has not expired. */
export async function findJoinToken(queries: Queries, token: string, now: number): Promise<JoinToken | undefined> {
  const digest = digestOf(token);
  const [row] = await queries.query<{ identity: string; spiffe_id: string; expires_at: number }>(
    'SELECT identity, spiffe_id, expires_at FROM join_tokens WHERE digest = $1 AND expires_at > $2',
    [digest, now],
  );
  if (row === undefined) return undefined;
  const identity = JSON.parse(row.identity) as Identity;
  return { digest, identity, spiffeId: row.spiffe_id, expiresAt: row.expires_at };
}

/** Whether it was there; of any number of parallel calls one is told so. Forgets those that have expired, too. */
export async function useJoinToken(queries: Queries, { digest }: JoinToken, now: number): Promise<boolean> {
  const used = await queries.query('DELETE FROM join_tokens WHERE digest = $1 RETURNING digest', [digest]);
  await queries.query('DELETE FROM join_tokens WHERE expires_at <= $1', [now]);
  return used.length > 0;
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

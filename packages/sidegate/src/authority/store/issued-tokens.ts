/** Issued tokens in the store: who has what, until it expires. Never the token itself. */
import type { IssuedToken, IssuedTokens } from '../issuer/issued-tokens.ts';
import type { Queries } from './database.ts';

export interface StoredTokens extends IssuedTokens {
  /** Those that live and expire after the given time, the longest-lived first. */
  livingBeyond(expiresAfterMs: number, limit: number): Promise<IssuedToken[]>;
  known(token: Pick<IssuedToken, 'jti' | 'expiresAt'>): Promise<boolean>;
  /** Forgets what has expired. */
  sweep(nowMs: number): Promise<void>;
}

interface Row {
  readonly jti: string;
  readonly realm: string;
  readonly client: string;
  readonly subject: string;
  readonly audience: string;
  readonly scope: string;
  readonly issued_at: number;
  readonly expires_at: number;
}

export function storedTokens(queries: Queries): StoredTokens {
  return {
    record: async ({ jti, realm, client, subject, audience, scope, issuedAt, expiresAt }) => {
      await queries.query(
        `INSERT INTO issued_tokens (jti, realm, client, subject, audience, scope, issued_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [jti, realm, client, subject, JSON.stringify(audience), scope.join(' '), issuedAt, expiresAt],
      );
    },
    livingBeyond: async (expiresAfterMs, limit) => {
      const rows = await queries.query<Row>(
        'SELECT * FROM issued_tokens WHERE expires_at > $1 ORDER BY expires_at DESC, jti LIMIT $2',
        [expiresAfterMs, limit],
      );
      return rows.map((row) => ({
        jti: row.jti,
        realm: row.realm,
        client: row.client,
        subject: row.subject,
        audience: JSON.parse(row.audience) as string[],
        scope: row.scope === '' ? [] : row.scope.split(' '),
        issuedAt: row.issued_at,
        expiresAt: row.expires_at,
      }));
    },
    known: async ({ jti, expiresAt }) => {
      const found = await queries.query('SELECT jti FROM issued_tokens WHERE expires_at = $1 AND jti = $2', [
        expiresAt,
        jti,
      ]);
      return found.length > 0;
    },
    sweep: async (nowMs) => {
      await queries.query('DELETE FROM issued_tokens WHERE expires_at < $1', [nowMs]);
    },
  };
}

/**
 * Client secrets that were made here: 256 random bits each, kept as digests, so a fast one is enough. Two may be valid at once: a new
 * one is out before the old one ends.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '@sidegate/sdk';
import type { ClientSecrets } from '../issuer/client-secrets.ts';
import type { Database } from './database.ts';

export interface StoredSecrets extends ClientSecrets {
  /**
   * Makes a secret. The one before it ends after the overlap, and one that is older still ends at once.
   *
   * @returns the secret, which is nowhere else
   */
  rotate(realm: string, clientId: string, overlapMs: number): Promise<string>;
  /** Ends all secrets of a client at once. */
  revoke(realm: string, clientId: string): Promise<void>;
  /** Those that are valid, the newest first; never the secrets. */
  list(): Promise<ListedSecret[]>;
}

export interface ListedSecret {
  readonly realm: string;
  readonly client: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** Undefined: until it is rotated. */
  readonly expiresAt: number | undefined;
}

export interface StoredSecretsOptions {
  readonly database: Database;
  readonly clock: Pick<Clock, 'now'>;
  /** Cryptographically strong bytes. */
  readonly random: (bytes: number) => Buffer;
}

const SECRET_BYTES = 32;

export function storedSecrets({ database, clock, random }: StoredSecretsOptions): StoredSecrets {
  return {
    // By the digest of what was presented: time tells nothing about secrets, and an unknown client costs what a known one does.
    matches: async (realm, clientId, presented) => {
      const found = await database.query(
        `SELECT digest FROM client_secrets
         WHERE digest = $1 AND realm = $2 AND client = $3 AND (expires_at IS NULL OR expires_at > $4)`,
        [digestOf(realm, clientId, presented), realm, clientId, clock.now()],
      );
      return found.length > 0;
    },
    rotate: async (realm, clientId, overlapMs) => {
      const secret = random(SECRET_BYTES).toString('base64url');
      const now = clock.now();
      await database.transaction(async (queries) => {
        await queries.query('DELETE FROM client_secrets WHERE realm = $1 AND client = $2 AND expires_at IS NOT NULL', [
          realm,
          clientId,
        ]);
        await queries.query('UPDATE client_secrets SET expires_at = $3 WHERE realm = $1 AND client = $2', [
          realm,
          clientId,
          now + overlapMs,
        ]);
        await queries.query('INSERT INTO client_secrets (digest, realm, client, created_at) VALUES ($1, $2, $3, $4)', [
          digestOf(realm, clientId, secret),
          realm,
          clientId,
          now,
        ]);
      });
      return secret;
    },
    revoke: async (realm, clientId) => {
      await database.query('DELETE FROM client_secrets WHERE realm = $1 AND client = $2', [realm, clientId]);
    },
    list: async () => {
      const rows = await database.query<{
        realm: string;
        client: string;
        created_at: number;
        expires_at: number | null;
      }>(
        `SELECT realm, client, created_at, expires_at FROM client_secrets WHERE expires_at IS NULL OR expires_at > $1
         ORDER BY realm, client, created_at DESC`,
        [clock.now()],
      );
      return rows.map(({ realm, client, created_at, expires_at }) => ({
        realm,
        client,
        createdAt: created_at,
        expiresAt: expires_at ?? undefined,
      }));
    },
  };
}

function digestOf(realm: string, clientId: string, secret: string): string {
  return createHash('sha256')
    .update(JSON.stringify([realm, clientId, secret]))
    .digest('base64url');
}

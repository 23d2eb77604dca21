/**
 * The tables, in the order in which they came. A migration that was released is never changed: another follows it.
 * `IDENTITY KEY` stands for each dialect's counting primary key.
 */

export interface Migration {
  /** Unique; what the database remembers. */
  readonly name: string;
  readonly statements: readonly string[];
}

export const MIGRATIONS: readonly Migration[] = [
  {
    name: '0001-replays',
    statements: [
      'CREATE TABLE replays (id TEXT PRIMARY KEY, expires_at BIGINT NOT NULL)',
      'CREATE INDEX replays_expiry ON replays (expires_at)',
    ],
  },
  {
    name: '0002-signing-keys',
    statements: [
      `CREATE TABLE signing_keys (
        kid TEXT PRIMARY KEY,
        realm TEXT NOT NULL,
        algorithm TEXT NOT NULL,
        generation BIGINT NOT NULL,
        public_jwk TEXT NOT NULL,
        handle TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        activate_at BIGINT NOT NULL,
        retired_at BIGINT,
        UNIQUE (realm, algorithm, generation)
      )`,
    ],
  },
  {
    name: '0003-client-secrets',
    statements: [
      `CREATE TABLE client_secrets (
        digest TEXT PRIMARY KEY,
        realm TEXT NOT NULL,
        client TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        expires_at BIGINT
      )`,
      'CREATE INDEX client_secrets_client ON client_secrets (realm, client)',
    ],
  },
  {
    name: '0004-issued-tokens',
    statements: [
      `CREATE TABLE issued_tokens (
        jti TEXT PRIMARY KEY,
        realm TEXT NOT NULL,
        client TEXT NOT NULL,
        subject TEXT NOT NULL,
        audience TEXT NOT NULL,
        scope TEXT NOT NULL,
        issued_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL
      )`,
      'CREATE INDEX issued_tokens_expiry ON issued_tokens (expires_at)',
    ],
  },
];

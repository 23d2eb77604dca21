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
      // Rows are added at one end of the index and removed at the other.
      `CREATE TABLE issued_tokens (
        jti TEXT NOT NULL,
        realm TEXT NOT NULL,
        client TEXT NOT NULL,
        subject TEXT NOT NULL,
        audience TEXT NOT NULL,
        scope TEXT NOT NULL,
        issued_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        PRIMARY KEY (expires_at, jti)
      )`,
    ],
  },
  {
    name: '0005-certificates',
    statements: [
      `CREATE TABLE authorities (
        id TEXT PRIMARY KEY,
        zone TEXT,
        root TEXT NOT NULL,
        state TEXT,
        certificate TEXT NOT NULL,
        name_constraints TEXT,
        sealed_key TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL
      )`,
      `CREATE TABLE bundle_changes (
        sequence BIGINT PRIMARY KEY,
        change TEXT NOT NULL,
        root TEXT NOT NULL,
        changed_at BIGINT NOT NULL
      )`,
      `CREATE TABLE certificates (
        thumbprint TEXT PRIMARY KEY,
        serial_number TEXT NOT NULL UNIQUE,
        authority TEXT NOT NULL,
        holder TEXT,
        spiffe_id TEXT NOT NULL,
        identity TEXT NOT NULL,
        not_before BIGINT NOT NULL,
        not_after BIGINT NOT NULL,
        revoked_at BIGINT
      )`,
      'CREATE INDEX certificates_spiffe_id ON certificates (spiffe_id)',
      'CREATE INDEX certificates_holder ON certificates (holder)',
      'CREATE INDEX certificates_expiry ON certificates (not_after)',
      'CREATE INDEX certificates_revoked ON certificates (revoked_at)',
      `CREATE TABLE join_tokens (
        digest TEXT PRIMARY KEY,
        identity TEXT NOT NULL,
        spiffe_id TEXT NOT NULL,
        expires_at BIGINT NOT NULL
      )`,
      `CREATE TABLE holders (
        id TEXT PRIMARY KEY,
        spiffe_id TEXT NOT NULL,
        shown TEXT NOT NULL,
        bundle_sequence BIGINT NOT NULL,
        seen_at BIGINT NOT NULL
      )`,
    ],
  },
  {
    name: '0006-revocations',
    statements: [
      'CREATE TABLE revocation_histories (realm TEXT PRIMARY KEY, epoch TEXT NOT NULL, sequence BIGINT NOT NULL)',
      // times are in seconds, as tokens have them
      `CREATE TABLE revocations (
        realm TEXT NOT NULL,
        kind TEXT NOT NULL,
        value TEXT NOT NULL,
        sequence BIGINT NOT NULL,
        lifted BIGINT NOT NULL,
        issued_until BIGINT,
        ends_at BIGINT,
        PRIMARY KEY (realm, kind, value)
      )`,
      'CREATE UNIQUE INDEX revocations_sequence ON revocations (realm, sequence)',
      'CREATE INDEX revocations_end ON revocations (ends_at)',
    ],
  },
];

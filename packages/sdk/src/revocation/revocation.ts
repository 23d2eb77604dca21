/** What an issuer has taken back before its time: one token, or whatever was issued to a client, a subject or a workload. */

export const REVOKED_KINDS = ['jti', 'client', 'subject', 'spiffe_id'] as const;

export type RevokedKind = (typeof REVOKED_KINDS)[number];

export interface Revocation {
  readonly kind: RevokedKind;
  /** A `jti`, a client id, a `sub` or a SPIFFE ID; of one issuer. */
  readonly value: string;
  /** Seconds since the epoch: what was issued later counts. Undefined: nothing does; a `jti` names one token only. */
  readonly issuedUntil: number | undefined;
  /** Seconds since the epoch, when it may be forgotten. Undefined: it is lifted, or stays. */
  readonly endsAt: number | undefined;
}

/** One step of the history of revocations. */
export interface RevocationChange {
  readonly operation: 'revoke' | 'lift';
  readonly revocation: Revocation;
}

/** Longer than any identifier that we issue or accept; what is longer is no name of something revoked. */
export const MAX_REVOKED_CHARACTERS = 1_024;

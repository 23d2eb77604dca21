/** A grant answers one question: on whose behalf may the authenticated client get a token, and at most which one? */
import type { Clock, ReplayStore, Revocations } from '@sidegate/sdk';
import type { ActorClaim } from '../actor.ts';
import type { Client, Realm, Subject } from '../realm.ts';
import type { SecretDigest } from '../secret-digest.ts';
import type { TokenForm } from '../token-form.ts';
import type { Transaction } from '../transaction-token.ts';

export interface GrantRequest {
  readonly realm: Realm;
  readonly client: Client;
  readonly form: TokenForm;
  readonly digest: SecretDigest;
  readonly replay: ReplayStore;
  readonly clock: Clock;
  /** What a realm of this process has revoked, by its issuer. */
  readonly revocationsOf: (issuer: string) => Revocations | undefined;
  /** Unique for ever. */
  readonly newTokenId: () => string;
}

export interface Authorization {
  readonly subject: Subject;
  /** Absent: as far as the client's own configuration goes. */
  readonly limits?: {
    readonly scopes: ReadonlySet<string>;
    /** Seconds since the epoch. */
    readonly expiresAt: number;
  };
  readonly actor?: ActorClaim;
  /** The token is one of this transaction. */
  readonly transaction?: Transaction | undefined;
  /** A token was exchanged: the answer says what kind came of it (RFC 8693 section 2.2.1). */
  readonly exchanged?: true;
}

/** @throws OAuthError */
export type Grant = (request: GrantRequest) => Authorization | Promise<Authorization>;

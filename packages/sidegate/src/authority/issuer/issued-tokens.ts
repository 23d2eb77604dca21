/** What was issued, known before the caller has it: a token that is out there is never unknown here. */

export interface IssuedToken {
  readonly jti: string;
  readonly realm: string;
  readonly client: string;
  readonly subject: string;
  readonly audience: readonly string[];
  readonly scope: readonly string[];
  /** Milliseconds since the Unix epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export interface IssuedTokens {
  /** Resolves when it is kept, whatever happens to the process. */
  record(token: IssuedToken): Promise<void>;
}

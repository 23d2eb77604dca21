/** What a service token says, as who issued it wrote it and as who received it may believe it. */

/** On whose behalf a service calls. */
export interface UserContext {
  readonly userId: string;
  readonly roles: readonly string[];
}

export interface ServiceTokenClaims {
  /** The calling service. */
  readonly iss: string;
  /** The same. */
  readonly sub: string;
  /** As in the token; the expected one is among them, or an operation of it. */
  readonly aud: string | readonly string[];
  /** Seconds since the epoch. */
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly scope: readonly string[];
  /** Only in a token with a user context. */
  readonly user_id?: string;
  readonly user_roles?: readonly string[];
}

/** The scope that would grant everything; no token has it. */
export const EVERY_SCOPE = '*';

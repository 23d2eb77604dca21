/** One line of the issuer's log: a token that was issued or refused. Never holds a token, a secret or a password. */

export interface TokenEvent {
  readonly event: 'token';
  readonly decision: 'issued' | 'refused';
  readonly realm: string;
  /** Only clients, users and grants of the realm are named: an unknown name may be a secret in the wrong field. */
  readonly client: string | undefined;
  readonly user: string | undefined;
  readonly grant: string | undefined;
  readonly remote_address: string | undefined;
  readonly scope?: string;
  readonly audience?: readonly string[];
  readonly jti?: string;
  /** The `sub` of the token. */
  readonly subject?: string;
  /** The transaction that the token belongs to. */
  readonly txn?: string;
  readonly expires_in?: number;
  /** The token works only together with the client's certificate. */
  readonly certificate_bound?: boolean;
  /** The token works only with proofs by the client's DPoP key. */
  readonly key_bound?: boolean;
  readonly error?: string;
  readonly reason?: string;
}

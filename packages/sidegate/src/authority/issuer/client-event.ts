/** One line of the issuer's log beside those of tokens: what was revoked or lifted, or asked for in vain. Never holds a token or a secret. */
import type { RevokedKind } from '@sidegate/sdk';

export interface ClientEvent {
  readonly event: 'revocation' | 'introspection';
  /** `followed`: the store of revocations can be read again. */
  readonly decision: 'revoked' | 'lifted' | 'refused' | 'followed';
  readonly realm: string;
  readonly kind?: RevokedKind;
  readonly value?: string;
  /** In seconds since the epoch; absent: until it is lifted. */
  readonly ends_at?: number;
  readonly only_issued?: boolean;
  /** Who asked. */
  readonly client?: string;
  readonly spiffe_id?: string;
  readonly remote_address: string | undefined;
  readonly error?: string;
  readonly reason?: string;
}

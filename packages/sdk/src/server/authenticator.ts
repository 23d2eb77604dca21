/** The one interface behind which every way of verifying who calls stands, on the receiving side. */
import type { Principal } from './principal.ts';
import type { ReceivedRequest } from './received-request.ts';

export interface Authenticator {
  /**
   * Who calls. Fails closed: whatever does not hold is a rejection.
   *
   * Rejects with a Problem: `token_missing` when the request has no proof of this kind, otherwise what is wrong with it.
   */
  authenticate(request: ReceivedRequest): Promise<Principal>;
  close(): void;
}

/** The one interface behind which every way of verifying who calls stands, on the receiving side. */
import type { ProofChallenge } from '../dpop/challenge.ts';
import type { Principal } from './principal.ts';
import type { ReceivedRequest } from './received-request.ts';

export interface Authenticator {
  /**
   * Who calls; at once when there is nothing to wait for. Fails closed: whatever does not hold is refused.
   *
   * @throws Problem, at once or as a rejection: `token_missing` or `client_certificate_missing` when the request has no
   *   proof of this kind, otherwise what is wrong with it
   */
  authenticate(request: ReceivedRequest): Principal | Promise<Principal>;
  /** What refused callers are asked for besides a bearer token; undefined or absent: nothing else. */
  readonly proofChallenge?: ProofChallenge | undefined;
  close(): void;
}

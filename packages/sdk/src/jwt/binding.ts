/** Proof of possession: a token with `cnf` is worth something only to whom it names, RFC 7800, 8705 and 9449. */
import { Problem } from '../problem.ts';
import type { VerifiedToken } from './verify.ts';

/**
 * Passes a token that is not bound, or bound to exactly the certificate of this TLS peer.
 * Whatever else it may be bound to (a DPoP key, something unknown) is refused, since no proof was checked.
 *
 * @param peerCertificateSha256 SHA-256 of the peer's DER certificate, base64url; undefined without client certificate
 * @throws Problem `token_binding_mismatch`, `token_binding_required`
 */
export function checkConfirmation(token: VerifiedToken, peerCertificateSha256: string | undefined): void {
  if (token.confirmation === undefined) return;
  const { 'x5t#S256': certificate, jkt } = token.confirmation;
  if (jkt !== undefined) throw new Problem('token_binding_required', 'bound to a DPoP key, no proof was sent');
  if (certificate === undefined) throw new Problem('token_binding_required', 'bound by a method that is not supported');
  if (certificate !== peerCertificateSha256) {
    throw new Problem('token_binding_mismatch', 'bound to another certificate than the one of this connection');
  }
}

/** Proof of possession: a token with `cnf` is worth something only to whom it names, RFC 7800, 8705 and 9449. */
import { Problem } from '../problem.ts';
import type { VerifiedToken } from './verify.ts';

/**
 * Passes a token that is not bound, or bound to exactly the certificate of this TLS peer, the key of this proof, or both.
 * Whatever else it may be bound to is refused, since no proof of it was checked.
 *
 * @param peerCertificateSha256 SHA-256 of the peer's DER certificate, base64url; undefined without client certificate
 * @param provenKey thumbprint of the key whose DPoP proof was verified; undefined: there was no proof
 * @throws Problem `token_binding_mismatch`, `token_binding_required`
 */
export function checkConfirmation(
  token: VerifiedToken,
  peerCertificateSha256: string | undefined,
  provenKey?: string,
): void {
  const { 'x5t#S256': certificate, jkt } = token.confirmation ?? {};
  // RFC 9449 section 7.2: what is bound to a key never passes as a bearer token, and section 7.1: a proof is for no other token.
  if (jkt !== undefined && provenKey === undefined) {
    throw new Problem('token_binding_required', 'bound to a DPoP key, no proof was sent');
  }
  if (jkt !== provenKey) throw new Problem('token_binding_mismatch', 'not bound to the key of the DPoP proof');
  if (token.confirmation === undefined || (certificate === undefined && jkt !== undefined)) return;
  if (certificate === undefined) throw new Problem('token_binding_required', 'bound by a method that is not supported');
  if (certificate !== peerCertificateSha256) {
    throw new Problem('token_binding_mismatch', 'bound to another certificate than the one of this connection');
  }
}

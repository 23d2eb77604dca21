/**
 * Stage 4, the core invariant: the TLS peer, the token and its client are one, or the peer is allowed to
 * forward that client's tokens; a client is a name and the issuer that gave it. So a stolen token is useless without the key it belongs to, and a stolen
 * certificate reaches only what its own client may do. RFC 8705 section 3 and RFC 9449 section 7 for `cnf`.
 */
import { checkConfirmation, mayPresent, Problem } from '@sidegate/sdk';
import type { Exchange } from '../proxy/exchange.ts';
import type { PeerTrust } from './identify-peer.ts';

/** @throws Problem `token_binding_mismatch`, `token_binding_required` or `identity_token_mismatch` */
export function bindIdentity({ peer, token, provenKey }: Exchange, { identities }: PeerTrust): void {
  if (token !== undefined) checkConfirmation(token, peer?.thumbprint, provenKey);
  if (peer === undefined || identities === undefined) return;
  const { binding } = peer;
  if (binding === undefined) {
    throw new Problem('identity_token_mismatch', 'the certificate is not in the identities table');
  }
  if (token === undefined) return;
  const { clientId, issuer, spiffeId } = token;
  if (spiffeId !== undefined) {
    if (spiffeId === peer.spiffeId) return;
    throw new Problem('identity_token_mismatch', 'the JWT-SVID names another workload than the certificate');
  }
  if (clientId === undefined) {
    throw new Problem('identity_token_mismatch', 'the token names no client (azp, client_id)');
  }
  if (!mayPresent(binding, clientId, issuer)) {
    throw new Problem(
      'identity_token_mismatch',
      `the certificate stands for "${binding.clientId}" of ${binding.issuer}, which may not present a token of another client`,
    );
  }
}

/** Nothing is issued, told or done for whom was revoked, whatever else proves the client. */
import { identifyCertificate, Problem, type Revocations, readCertificate } from '@sidegate/sdk';
import { invalidClient } from './oauth-error.ts';
import type { PeerCertificate } from './peer-certificate.ts';
import type { Client } from './realm.ts';

/**
 * @param client whose credentials were found to be good
 * @throws OAuthError `invalid_client`
 */
export function requireUnrevoked(client: Client, peer: PeerCertificate | undefined, revocations: Revocations): void {
  const { id, authentication } = client;
  if (revocations.blocks('client', id)) throw invalidClient('the client was revoked');
  if ('spiffeId' in authentication && revocations.blocks('spiffe_id', authentication.spiffeId)) {
    throw invalidClient('the workload was revoked');
  }
  if (peer?.own?.fault !== undefined) throw invalidClient(`the certificate ${peer.own.fault}`);
  const shown = peer === undefined ? undefined : identityOf(peer);
  if (shown !== undefined && revocations.ofPeer({ ...shown, clientId: id }) !== undefined) {
    throw invalidClient('the certificate was revoked');
  }
}

/** Who a verified certificate stands for; undefined: nobody. */
export function identityOf(peer: PeerCertificate) {
  if (!peer.verified) return undefined;
  try {
    const { spiffeId, thumbprint, notBefore, notAfter } = identifyCertificate(readCertificate(peer.raw), {
      acceptsSubject: () => true,
    });
    return { spiffeId: spiffeId?.uri, thumbprint, notBefore, notAfter };
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

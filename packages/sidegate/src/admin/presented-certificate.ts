/**
 * The peer that a caller of the decision API has seen: its certificate is judged as in a handshake of our own, except that who holds
 * the key only the caller can know. Fails closed: an authority of ours must have issued it itself, it must be valid now, and where
 * there are revocation lists, a current one of that authority must not have it.
 */
import { X509Certificate } from 'node:crypto';
import { Problem, type RevocationList } from '@sidegate/sdk';
import { requireUnrevoked } from '../identity/revocation-lists.ts';
import { type PeerTrust, peerOf } from '../ingress/identify-peer.ts';
import type { Peer } from '../proxy/peer.ts';

export interface PresentedTrust {
  readonly authorities: readonly X509Certificate[];
  /** Undefined: nobody is asked whether a certificate was taken back. */
  readonly revocations: readonly RevocationList[] | undefined;
}

/** @throws Problem `peer_*`, or `invalid_request` where this sidecar looks at no certificates */
export function presentedPeer(
  pem: string | undefined,
  trust: PeerTrust,
  { authorities, revocations }: PresentedTrust,
): Peer | undefined {
  if (!trust.required) {
    if (pem === undefined) return undefined;
    throw new Problem('invalid_request', 'mtls.certificate: this sidecar asks for no client certificate');
  }
  if (pem === undefined) throw new Problem('peer_identity_missing', 'mtls.certificate is missing');
  const certificate = readPem(pem);
  const now = trust.now();
  const issued = authorities.some(
    (authority) =>
      authority.ca &&
      isValidAt(authority, now) &&
      certificate.checkIssued(authority) &&
      certificate.verify(authority.publicKey),
  );
  if (!issued)
    throw new Problem('peer_identity_invalid', 'no authority of http.tls.client_ca_file issued the certificate');
  if (!isValidAt(certificate, now)) throw new Problem('peer_certificate_expired', 'the certificate is not valid now');
  if (revocations !== undefined) requireUnrevoked(certificate, revocations, now);
  const peer = peerOf(certificate, trust);
  if (peer instanceof Problem) throw peer;
  return peer;
}

function readPem(pem: string): X509Certificate {
  if (pem.match(/-----BEGIN/g)?.length !== 1)
    throw new Problem('peer_identity_invalid', 'mtls.certificate is not one PEM certificate');
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new Problem('peer_identity_invalid', 'mtls.certificate cannot be read', { cause: error });
  }
}

function isValidAt({ validFrom, validTo }: X509Certificate, now: number): boolean {
  return Date.parse(validFrom) <= now && now < Date.parse(validTo);
}

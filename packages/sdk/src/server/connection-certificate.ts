/** The certificate that came with a request: its TLS connection's, or what a trusted proxy says of its own. */
import { createHash } from 'node:crypto';
import { readCertificate } from '../x509/certificate.ts';
import { identifyCertificate, type PeerIdentity, type PeerRules } from '../x509/peer.ts';
import type { ReceivedRequest } from './received-request.ts';

/** A certificate whose chain and key were verified; the same object for the same connection. */
export interface FoundCertificate {
  /** SHA-256 of its DER in base64url, for `cnf`; undefined when nobody said. */
  readonly thumbprint: string | undefined;
  /** @throws Problem `peer_identity_invalid` or `peer_identity_missing` */
  identify(rules: PeerRules): PeerIdentity;
}

/** @throws Problem `peer_identity_invalid` when a trusted proxy describes none that can be read */
export type CertificateSource = (request: ReceivedRequest) => FoundCertificate | undefined;

/** Certificates of the connections themselves, each read once. */
export function connectionCertificates(): CertificateSource {
  const found = new WeakMap<Uint8Array, FoundCertificate>();
  return ({ clientCertificate: der }) => {
    if (der === undefined) return undefined;
    let certificate = found.get(der);
    if (certificate === undefined) found.set(der, (certificate = certificateOf(der)));
    return certificate;
  };
}

export function certificateOf(der: Uint8Array): FoundCertificate {
  return {
    thumbprint: createHash('sha256').update(der).digest('base64url'),
    identify: (rules) => identifyCertificate(readCertificate(Buffer.from(der)), rules),
  };
}

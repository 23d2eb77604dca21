/** The client certificate of a TLS connection, as the token endpoint uses it (RFC 8705). */
import { createHash } from 'node:crypto';
import {
  type DistinguishedName,
  identifyCertificate,
  Problem,
  readCertificate,
  sameDistinguishedName,
} from '@sidegate/sdk';

export interface PeerCertificate {
  /** DER. Possession of its key was proven by the handshake. */
  readonly raw: Buffer;
  /** Its chain ends at an authority for clients. */
  readonly verified: boolean;
}

/** `x5t#S256` (RFC 8705 section 3.1). */
export function certificateThumbprint({ raw }: PeerCertificate): string {
  return createHash('sha256').update(raw).digest('base64url');
}

/** Whether this is a verified, unexpired client certificate for exactly that subject. Fails closed. */
export function provesSubject(peer: PeerCertificate | undefined, subject: DistinguishedName, nowMs: number): boolean {
  if (peer === undefined || !peer.verified) return false;
  try {
    const identity = identifyCertificate(readCertificate(peer.raw), { acceptsSubject: () => true });
    return identity.notAfter > nowMs && sameDistinguishedName(identity.subject, subject);
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}

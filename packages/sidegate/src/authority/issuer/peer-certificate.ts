/** The client certificate of a TLS connection, as the token endpoint uses it (RFC 8705). */
import { createHash } from 'node:crypto';
import {
  type DistinguishedName,
  identifyCertificate,
  type JwksSource,
  type PeerIdentity,
  Problem,
  readCertificate,
  sameDistinguishedName,
} from '@sidegate/sdk';

export interface PeerCertificate {
  /** DER. Possession of its key was proven by the handshake. */
  readonly raw: Buffer;
  /** Its chain ends at an authority for clients, or it is one of our own that counts. */
  readonly verified: boolean;
  /** What our own authority says of it; undefined: it has not issued it. */
  readonly own?: OwnCertificate | undefined;
}

/** A certificate that this process's own authority has issued. */
export interface OwnCertificate {
  readonly zone: string;
  /** Why it does not count, for the log; undefined: it does. */
  readonly fault: 'was revoked' | 'has expired' | 'is below a root that was retired' | undefined;
}

/** By what it is told which certificates are our own. @throws StoreUnavailable, as a rejection */
export type FindOwnCertificate = (der: Buffer) => Promise<OwnCertificate | undefined>;

/** `x5t#S256` (RFC 8705 section 3.1). */
export function certificateThumbprint({ raw }: PeerCertificate): string {
  return createHash('sha256').update(raw).digest('base64url');
}

/** Whether this is a verified, unexpired client certificate for exactly that subject (RFC 8705 section 2.1). Fails closed. */
export function provesSubject(peer: PeerCertificate | undefined, subject: DistinguishedName, nowMs: number): boolean {
  const identity = verifiedIdentity(peer, nowMs);
  return identity !== undefined && sameDistinguishedName(identity.subject, subject);
}

/** Whether our own authority issued it in that zone; where none is asked for, whoever issued it. */
export function isOfZone(peer: PeerCertificate | undefined, zone: string | undefined): boolean {
  return zone === undefined || peer?.own?.zone === zone;
}

/** Whether this is a verified, unexpired X.509-SVID with exactly that SPIFFE ID. Fails closed. */
export function provesSpiffeId(peer: PeerCertificate | undefined, spiffeId: string, nowMs: number): boolean {
  return verifiedIdentity(peer, nowMs)?.spiffeId?.uri === spiffeId;
}

/**
 * Whether the certificate's key is one of these, whoever signed it (RFC 8705 section 2.2).
 *
 * @throws Problem `jwks_unavailable`, as a rejection
 */
export async function provesKey(peer: PeerCertificate | undefined, keys: JwksSource, nowMs: number): Promise<boolean> {
  const certificate = peer && orUndefined(() => readCertificate(peer.raw));
  if (certificate === undefined || certificate.notAfter <= nowMs || certificate.notBefore > nowMs) return false;
  const isPublished = () => keys.current()?.keys.some(({ publicKey }) => publicKey.equals(certificate.publicKey));
  await keys.refreshFor(undefined);
  if (isPublished() === true) return true;
  // The key may be new; asked for by a name that no key has, so that no more than one fetch a cooldown follows.
  await keys.refreshFor(certificate.thumbprint);
  return isPublished() === true;
}

function verifiedIdentity(peer: PeerCertificate | undefined, nowMs: number): PeerIdentity | undefined {
  if (peer === undefined || !peer.verified) return undefined;
  const identity = orUndefined(() => identifyCertificate(readCertificate(peer.raw), { acceptsSubject: () => true }));
  return identity !== undefined && identity.notAfter > nowMs ? identity : undefined;
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

/** Stage 2: who is at the other end of this connection; read once for all its requests. */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type AllowedClients, type IdentityLookup, identifyCertificate, Problem, readCertificate } from '@sidegate/sdk';
import type { Vouch } from '../identity/trust-domains.ts';
import { describePeer, type Peer } from '../proxy/peer.ts';

export interface PeerTrust {
  /** False: no client certificate is asked for, and there is no peer. */
  readonly required: boolean;
  /** Undefined: every peer with a SPIFFE ID that the handshake accepted. */
  readonly allowed: AllowedClients | undefined;
  /** Undefined: nothing ties certificates to clients; the start warned about it. */
  readonly identities: IdentityLookup | undefined;
  readonly now: () => number;
  /** Who speaks for whom; undefined: the handshake knows one trust domain only. */
  readonly vouch: Vouch | undefined;
}

/** Remembers per connection what its certificate says; a refusal is remembered just as well. */
export type PeerCache = WeakMap<Socket, Peer | Problem>;

/**
 * @returns undefined only where no client certificate is required
 * @throws Problem `peer_*`
 */
export function identifyPeer(socket: Socket, trust: PeerTrust, cache: PeerCache): Peer | undefined {
  if (!trust.required) return undefined;
  let known = cache.get(socket);
  if (known === undefined) {
    known = readPeer(socket, trust);
    cache.set(socket, known);
  }
  if (known instanceof Problem) throw known;
  if (known.notAfter <= trust.now()) {
    throw new Problem('peer_certificate_expired', 'the client certificate expired while the connection was open');
  }
  return known;
}

/** Whether a connection may wait for another request, as far as its certificate's dates go. */
export function mayStay(socket: Socket, { now }: PeerTrust, cache: PeerCache): boolean {
  const known = cache.get(socket);
  return known === undefined || known instanceof Problem || known.notAfter > now();
}

/** Whether the peer of a connection, which may have been accepted under other rules, would be served now. */
export function isServed(socket: Socket, trust: PeerTrust, cache: PeerCache): boolean {
  try {
    identifyPeer(socket, trust, cache);
    return true;
  } catch {
    return false;
  }
}

function readPeer(socket: Socket, trust: PeerTrust): Peer | Problem {
  const certificate = socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (certificate !== undefined) return peerOf(certificate, trust);
  return new Problem('peer_identity_missing', 'the connection has no verified client certificate');
}

/** @param certificate whose chain was verified */
export function peerOf(certificate: X509Certificate, { allowed, identities, vouch }: PeerTrust): Peer | Problem {
  try {
    const identity = identifyCertificate(readCertificate(certificate.raw), allowed ?? { acceptsSubject: () => false });
    vouch?.(certificate, identity.spiffeId?.trustDomain);
    const peer = describePeer(identity, identities);
    if (allowed?.allows(identity) === false) {
      return new Problem('peer_not_allowed', `${peer.spiffeId ?? peer.subject} is not in allowed_clients`);
    }
    return peer;
  } catch (error) {
    if (error instanceof Problem) return error;
    return new Problem('peer_identity_invalid', 'the client certificate cannot be read', { cause: error });
  }
}

/** Stage 2: who is at the other end of this connection; read once for all its requests. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type AllowedClients, identifyCertificate, type PeerIdentity, Problem, readCertificate } from '@sidegate/sdk';

export interface PeerTrust {
  /** False: no client certificate is asked for, and there is no peer. */
  readonly required: boolean;
  /** Undefined: every certificate that the handshake accepted, as long as it carries a SPIFFE ID. */
  readonly allowed: AllowedClients | undefined;
  readonly now: () => number;
}

/** Remembers per connection what its certificate says; a refusal is remembered just as well. */
export type PeerCache = WeakMap<Socket, PeerIdentity | Problem>;

/**
 * @returns undefined only where no client certificate is required
 * @throws Problem `peer_*`
 */
export function identifyPeer(socket: Socket, trust: PeerTrust, cache: PeerCache): PeerIdentity | undefined {
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

function readPeer(socket: Socket, trust: PeerTrust): PeerIdentity | Problem {
  try {
    if (!(socket instanceof TLSSocket) || !socket.authorized) {
      throw new Problem('peer_identity_missing', 'the connection has no verified client certificate');
    }
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) {
      throw new Problem('peer_identity_missing', 'the connection has no client certificate');
    }
    return identifyCertificate(readCertificate(certificate.raw), { allowed: trust.allowed });
  } catch (error) {
    if (error instanceof Problem) return error;
    return new Problem('peer_identity_invalid', 'the client certificate cannot be read', { cause: error });
  }
}

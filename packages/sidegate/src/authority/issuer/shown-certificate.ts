/** The certificate of a connection, and what vouches for it: authorities of a file, by the handshake, or the rows of our own. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FindOwnCertificate, PeerCertificate } from './peer-certificate.ts';

export interface ClientCertificates {
  /** The listener verifies them by authorities of the configuration, not by those that the system trusts for servers. */
  readonly verifiedByListener: boolean;
  /** Absent: this process issues none. */
  readonly findOwn: FindOwnCertificate | undefined;
}

/** Nobody vouches for it. */
export function shownCertificate(socket: Socket): PeerCertificate | undefined {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  return certificate && { raw: certificate.raw, verified: false };
}

/**
 * Fails closed: one of our own that does not count any more is not verified, whatever the handshake said.
 *
 * @throws StoreUnavailable, as a rejection
 */
export async function peerOf(
  socket: Socket,
  { verifiedByListener, findOwn }: ClientCertificates,
): Promise<PeerCertificate | undefined> {
  const shown = shownCertificate(socket);
  if (shown === undefined) return undefined;
  const own = await findOwn?.(shown.raw);
  if (own !== undefined) return { ...shown, verified: own.fault === undefined, own };
  return { ...shown, verified: verifiedByListener && socket instanceof TLSSocket && socket.authorized };
}

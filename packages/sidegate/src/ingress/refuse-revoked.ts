/** Whether somebody took back what an exchange shows, or whom the peer of a connection is. */
import type { Socket } from 'node:net';
import { Problem, type RevocationCheck } from '@sidegate/sdk';
import type { Exchange } from '../proxy/exchange.ts';
import { identifyPeer, type PeerCache, type PeerTrust } from './identify-peer.ts';

/** @throws Problem `peer_revoked` or `token_revoked` */
export function refuseRevoked({ peer, token, transaction }: Exchange, check: RevocationCheck | undefined): void {
  check?.checkPeer(peer);
  check?.checkToken(token);
  check?.checkToken(transaction?.token);
}

export interface ConnectionTrust {
  readonly trust: PeerTrust;
  readonly peers: PeerCache;
  readonly revocations: RevocationCheck | undefined;
}

/** Whether the peer of a connection was revoked. */
export function isRevoked(socket: Socket, { trust, peers, revocations }: ConnectionTrust): boolean {
  if (revocations === undefined) return false;
  try {
    revocations.checkPeer(identifyPeer(socket, trust, peers));
    return false;
  } catch (error) {
    return error instanceof Problem && error.code === 'peer_revoked';
  }
}

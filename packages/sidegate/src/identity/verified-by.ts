/** Whether a connection's certificate would be accepted by authorities that may have changed since its handshake. */
import type { X509Certificate } from 'node:crypto';
import { certificationPath } from './certification-path.ts';

/** Signatures only: dates, names and usages were checked by the handshake, and those of the leaf are checked at each request. */
export function verifiedBy(authorities: readonly X509Certificate[]): (leaf: X509Certificate) => boolean {
  return (leaf) => certificationPath(leaf, authorities) !== undefined;
}

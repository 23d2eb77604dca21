/** How undici opens a TLS connection whose other side has proven who it is. */
import type { PeerCertificate } from 'node:tls';
import type { buildConnector } from 'undici';
import { checkServerIdentity } from '../x509/server-identity.ts';

/** PEM texts. */
export interface TlsIdentity {
  /** Shown to the other side, with the intermediates behind it; absent: nothing is shown. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The only authorities trusted; absent: those that Node trusts. */
  readonly ca?: string | undefined;
}

export function verifiedTls({ cert, key, ca }: TlsIdentity, connectTimeoutMs: number): buildConnector.BuildOptions {
  return {
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(ca === undefined ? {} : { ca }),
    timeout: connectTimeoutMs,
    allowH2: false,
    minVersion: 'TLSv1.2',
    // INVARIANT: stated, never inherited, so that NODE_TLS_REJECT_UNAUTHORIZED=0 cannot switch it off.
    rejectUnauthorized: true,
    checkServerIdentity: (host: string, certificate: PeerCertificate) => checkServerIdentity(host, certificate.raw),
    // A session resumed after a rotation would skip what the new trust demands.
    maxCachedSessions: 0,
  };
}

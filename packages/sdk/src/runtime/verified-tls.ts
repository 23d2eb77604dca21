/** How a TLS connection is opened whose other side has proven who it is: by undici, and by Node itself. */
import { isIP } from 'node:net';
import type { ConnectionOptions, PeerCertificate } from 'node:tls';
import type { buildConnector } from 'undici';
import { checkServerIdentity, checkServerSpiffeId } from '../x509/server-identity.ts';

/** PEM texts. */
export interface TlsIdentity {
  /** Shown to the other side, with the intermediates behind it; absent: nothing is shown. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The only authorities trusted; absent: those that Node trusts. */
  readonly ca?: string | undefined;
  /** The SPIFFE ID that the server must prove instead of its host name. */
  readonly serverId?: string | undefined;
}

export function verifiedTls(
  { cert, key, ca, serverId }: TlsIdentity,
  connectTimeoutMs: number,
): buildConnector.BuildOptions {
  return {
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(ca === undefined ? {} : { ca }),
    timeout: connectTimeoutMs,
    allowH2: false,
    minVersion: 'TLSv1.2',
    // INVARIANT: stated, never inherited, so that NODE_TLS_REJECT_UNAUTHORIZED=0 cannot switch it off.
    rejectUnauthorized: true,
    checkServerIdentity: (host: string, { raw }: PeerCertificate) =>
      serverId === undefined ? checkServerIdentity(host, raw) : checkServerSpiffeId(serverId, raw),
    // A session resumed after a rotation would skip what the new trust demands.
    maxCachedSessions: 0,
  };
}

/** How the server must prove to Node that it is `name`, or the workload `serverId`; authorities and versions are the caller's to say. */
export function provenServer(
  name: string,
  serverId?: string,
): Pick<ConnectionOptions, 'servername' | 'rejectUnauthorized' | 'checkServerIdentity' | 'ALPNProtocols'> {
  return {
    ...(isIP(name) === 0 ? { servername: name } : {}),
    // INVARIANT: stated, never inherited, so that NODE_TLS_REJECT_UNAUTHORIZED=0 cannot switch it off.
    rejectUnauthorized: true,
    checkServerIdentity: (_host: string, { raw }: PeerCertificate) =>
      serverId === undefined ? checkServerIdentity(name, raw) : checkServerSpiffeId(serverId, raw),
    ALPNProtocols: ['http/1.1'],
  };
}

/** True for errors that mean the other side could not prove who it is, or refused who we are. */
export function isTlsFailure(code: string): boolean {
  return (
    /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|INVALID_)/.test(code) ||
    code === 'EPROTO'
  );
}

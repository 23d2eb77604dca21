/** Opens sockets for undici: which address to dial, which certificate to show, whom to trust. */
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { buildConnector } from 'undici';

/** PEM texts for one outgoing identity. */
export interface ClientTls {
  readonly cert?: string;
  readonly key?: string;
  /** The only authorities trusted; absent = the ones Node trusts, `NODE_EXTRA_CA_CERTS` included. */
  readonly ca?: string;
}

/** `host:port` → `address:port` to dial instead; name, Host and TLS name stay (curl's --connect-to). */
export type ConnectTo = ReadonlyMap<string, { readonly address: string; readonly port: number }>;

export interface ConnectorOptions {
  readonly tls?: ClientTls;
  readonly connectTo: ConnectTo;
  readonly connectTimeoutMs: number;
}

export function createConnector(options: ConnectorOptions): buildConnector.connector {
  const { tls = {} } = options;
  const connect = buildConnector({
    timeout: options.connectTimeoutMs,
    minVersion: 'TLSv1.2',
    // INVARIANT: stated, never inherited, so that NODE_TLS_REJECT_UNAUTHORIZED=0 cannot switch it off.
    rejectUnauthorized: true,
    checkServerIdentity: requireSubjectAltName,
    // A resumed session would skip the certificate checks of a rotated trust bundle.
    maxCachedSessions: 0,
    allowH2: false,
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
  });
  return (target, callback) => {
    const port = target.port === '' ? (target.protocol === 'https:' ? 443 : 80) : Number(target.port);
    const dialled = options.connectTo.get(`${target.hostname}:${port}`);
    if (dialled === undefined) return connect(target, callback);
    const servername = target.servername ?? target.hostname;
    return connect({ ...target, hostname: dialled.address, port: String(dialled.port), servername }, callback);
  };
}

/** Node falls back to the common name when there is no subject alternative name; RFC 9525 forbids that. */
function requireSubjectAltName(host: string, certificate: PeerCertificate): Error | undefined {
  if (certificate.subjectaltname !== undefined && certificate.subjectaltname !== '') {
    return checkServerIdentity(host, certificate);
  }
  return Object.assign(new Error(`the certificate of ${host} has no subject alternative name`), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
}

/** True for errors that mean the other side could not prove who it is, or refused who we are. */
export function isTlsFailure(code: string): boolean {
  return (
    /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|INVALID_)/.test(code) ||
    code === 'EPROTO'
  );
}

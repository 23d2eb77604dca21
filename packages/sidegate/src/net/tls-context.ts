/** The server side of TLS as node:tls wants it: versions, client certificates, no session reuse. */
import { constants } from 'node:crypto';
import type { TlsOptions } from 'node:tls';

export interface ServerTls {
  /** PEM texts. */
  readonly cert: string;
  readonly key: string;
  /** Authorities that sign clients; needed when a client certificate is required or one is to be believed. */
  readonly clientCa?: string;
  /** A PEM text for each revocation list; absent: none is asked for. */
  readonly clientCrl?: readonly string[];
  /** `request` asks for a certificate and goes on without a good one: whoever reads it checks `authorized`. */
  readonly clientAuth: 'none' | 'request' | 'require';
}

export function serverTlsOptions(tls: ServerTls): TlsOptions {
  const asks = tls.clientAuth !== 'none';
  return {
    cert: tls.cert,
    key: tls.key,
    minVersion: 'TLSv1.2',
    honorCipherOrder: true,
    ALPNProtocols: ['http/1.1'],
    requestCert: asks,
    rejectUnauthorized: tls.clientAuth === 'require',
    ...(asks && tls.clientCa !== undefined ? { ca: tls.clientCa } : {}),
    ...(asks && tls.clientCrl !== undefined ? { crl: [...tls.clientCrl] } : {}),
    // INVARIANT: a resumed session would carry a peer that today's trust bundle may no longer accept.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  };
}

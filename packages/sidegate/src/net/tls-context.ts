/** The server side of TLS as node:https wants it: versions, client certificates, no session reuse. */
import { constants } from 'node:crypto';
import type { ServerOptions } from 'node:https';

export interface ServerTls {
  /** PEM texts. */
  readonly cert: string;
  readonly key: string;
  /** Authorities that sign clients; needed when a client certificate is required. */
  readonly clientCa?: string;
  readonly clientAuth: 'none' | 'require';
}

export function serverTlsOptions(tls: ServerTls): ServerOptions {
  const mutual = tls.clientAuth === 'require';
  return {
    cert: tls.cert,
    key: tls.key,
    minVersion: 'TLSv1.2',
    honorCipherOrder: true,
    ALPNProtocols: ['http/1.1'],
    requestCert: mutual,
    rejectUnauthorized: mutual,
    ...(mutual && tls.clientCa !== undefined ? { ca: tls.clientCa } : {}),
    // INVARIANT: a resumed session would carry a peer that today's trust bundle may no longer accept.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  };
}

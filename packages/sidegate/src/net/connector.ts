/** Opens sockets to an upstream: which address to dial, which certificate to show, whom to trust, how bytes are read. */
import net, { type LookupFunction, type Socket } from 'node:net';
import tls, { type PeerCertificate } from 'node:tls';
import { provenServer } from '@sidegate/sdk';
import type { BytesReader } from './batch.ts';
import { forbiddenError, guardedLookup, isForbiddenAddress, isLiteralLoopback } from './forbidden-address.ts';
import { SLAB_BYTES } from './slabs.ts';
import { trustDomainIn } from './workload-certificate.ts';

/** PEM texts for one outgoing identity. */
export interface ClientTls {
  readonly cert?: string;
  readonly key?: string;
  /** The only authorities trusted; absent = the ones Node trusts, `NODE_EXTRA_CA_CERTS` included. */
  readonly ca?: string;
  /** The other side must be a workload of it, besides its name; without `ca` nobody vouches for any. */
  readonly trustDomain?: string;
}

/** `host:port` → `address:port` to dial instead; name, Host and TLS name stay (curl's --connect-to). */
export type ConnectTo = ReadonlyMap<string, { readonly address: string; readonly port: number }>;

export interface ConnectorOptions {
  /** Scheme, host and port. */
  readonly url: string;
  readonly tls?: ClientTls;
  readonly connectTo: ConnectTo;
  readonly lookup: LookupFunction;
  /** Until the other side's kernel has taken the connection. */
  readonly connectTimeoutMs: number;
  /** From then on, until the TLS handshake is over. */
  readonly handshakeTimeoutMs: number;
}

export interface OpenedSocket {
  readonly socket: Socket;
  /** Called once, at once: from now on bytes go there. */
  readonly listen: (onBytes: BytesReader) => void;
}

/** `code` of the error when the other side does not take the connection in time. */
export const CONNECT_TIMEOUT = 'CONNECT_TIMEOUT';
/** The same for its part of the handshake. */
export const HANDSHAKE_TIMEOUT = 'HANDSHAKE_TIMEOUT';

/** @returns a function that opens one connection after another; it rejects with the socket's error */
export function createConnector(options: ConnectorOptions): () => Promise<OpenedSocket> {
  const url = new URL(options.url);
  const secure = url.protocol === 'https:';
  const { name, address, port } = dialledAddress(url, options.connectTo);
  // What somebody wrote down may be dialled; what a name leads to is somebody else's word.
  const written = address !== name || isLiteralLoopback(name);
  if (!written && net.isIP(name) !== 0 && isForbiddenAddress(name)) return () => Promise.reject(forbiddenError(name));
  const lookup = written ? options.lookup : guardedLookup(options.lookup);
  const trustDomain = options.tls?.trustDomain;
  if (trustDomain !== undefined && options.tls?.ca === undefined) {
    return () => Promise.reject(tlsError(`there is no trust bundle of ${trustDomain}`, 'ERR_TLS_NO_TRUST_BUNDLE'));
  }
  const target = { host: address, port, noDelay: true, lookup };
  const secureContext = secure ? tls.createSecureContext({ ...options.tls, minVersion: 'TLSv1.2' }) : undefined;
  // Whoever gets bytes has read them when it returns, so all connections may read into one place.
  const buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);

  return () =>
    new Promise((resolve, reject) => {
      let onBytes: BytesReader | undefined;
      const onread = {
        buffer,
        callback: (length: number): boolean => {
          // Whoever speaks before it is asked loses the connection.
          if (onBytes === undefined) socket.destroy();
          else onBytes(buffer, length);
          return true;
        },
      };
      // Node documents `onread` for tls.connect too; its types do not have it.
      const secured = { ...target, ...provenTarget(name, trustDomain), secureContext, onread };
      const socket: Socket =
        secureContext === undefined
          ? net.connect({ ...target, onread })
          : tls.connect(secured as tls.ConnectionOptions);
      let cancel = giveUp(socket, CONNECT_TIMEOUT, options.connectTimeoutMs);
      const failed = (error: Error): void => {
        cancel();
        reject(error);
      };
      socket.once('error', failed);
      if (secure) {
        socket.once('connect', () => {
          cancel();
          cancel = giveUp(socket, HANDSHAKE_TIMEOUT, options.handshakeTimeoutMs);
        });
      }
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        cancel();
        socket.off('error', failed);
        resolve({
          socket,
          listen: (listener) => {
            onBytes = listener;
          },
        });
      });
    });
}

/** Where to dial for a URL. */
export function dialledAddress(
  { hostname, protocol, port: given }: URL,
  connectTo: ConnectTo,
): { readonly name: string; readonly address: string; readonly port: number } {
  const port = given === '' ? (protocol === 'https:' ? 443 : 80) : Number(given);
  const name = hostname.replaceAll(/^\[|\]$/g, '');
  return { name, address: name, port, ...connectTo.get(`${hostname}:${port}`) };
}

/** By its host name, and where it belongs to a trust domain by an ID of that one as well. */
function provenTarget(name: string, trustDomain: string | undefined): tls.ConnectionOptions {
  const proven = provenServer(name);
  if (trustDomain === undefined) return proven;
  const checkServerIdentity = (host: string, certificate: PeerCertificate): Error | undefined =>
    proven.checkServerIdentity?.(host, certificate) ?? checkTrustDomain(trustDomain, certificate.raw);
  return { ...proven, checkServerIdentity };
}

function checkTrustDomain(trustDomain: string, certificate: Buffer): Error | undefined {
  if (trustDomainIn(certificate) === trustDomain) return undefined;
  return tlsError(`the certificate is not that of a workload of ${trustDomain}`, 'ERR_TLS_CERT_ALTNAME_INVALID');
}

const tlsError = (message: string, code: string): Error => Object.assign(new Error(message), { code });

/** Looks once more at what has come: where this process was busy for so long, the other side may have done its part. */
function giveUp(socket: Socket, code: string, afterMs: number): () => void {
  let last: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    last = setImmediate(() => socket.destroy(Object.assign(new Error('no connection in time'), { code })));
  }, afterMs);
  return () => {
    clearTimeout(timer);
    clearImmediate(last);
  };
}

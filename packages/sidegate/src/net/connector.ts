/** Opens sockets to an upstream: which address to dial, which certificate to show, whom to trust, how bytes are read. */
import net, { type LookupFunction, type Socket } from 'node:net';
import tls from 'node:tls';
import { provenServer } from '@sidegate/sdk';
import type { BytesReader } from './batch.ts';
import { forbiddenError, guardedLookup, isForbiddenAddress, isLiteralLoopback } from './forbidden-address.ts';
import { SLAB_BYTES } from './slabs.ts';

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
  /** Scheme, host and port. */
  readonly url: string;
  readonly tls?: ClientTls;
  readonly connectTo: ConnectTo;
  readonly lookup: LookupFunction;
  readonly connectTimeoutMs: number;
}

export interface OpenedSocket {
  readonly socket: Socket;
  /** Called once, at once: from now on bytes go there. */
  readonly listen: (onBytes: BytesReader) => void;
}

/** `code` of the error when the other side does not take the connection in time. */
export const CONNECT_TIMEOUT = 'CONNECT_TIMEOUT';

/** @returns a function that opens one connection after another; it rejects with the socket's error */
export function createConnector(options: ConnectorOptions): () => Promise<OpenedSocket> {
  const url = new URL(options.url);
  const secure = url.protocol === 'https:';
  const { name, address, port } = dialledAddress(url, options.connectTo);
  // What somebody wrote down may be dialled; what a name leads to is somebody else's word.
  const written = address !== name || isLiteralLoopback(name);
  if (!written && net.isIP(name) !== 0 && isForbiddenAddress(name)) return () => Promise.reject(forbiddenError(name));
  const lookup = written ? options.lookup : guardedLookup(options.lookup);
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
      const secured = { ...target, ...provenServer(name), secureContext, onread };
      const socket: Socket =
        secureContext === undefined
          ? net.connect({ ...target, onread })
          : tls.connect(secured as tls.ConnectionOptions);
      const timer = setTimeout(() => socket.destroy(timedOut()), options.connectTimeoutMs);
      const failed = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
      };
      socket.once('error', failed);
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer);
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

function timedOut(): Error {
  return Object.assign(new Error('no connection in time'), { code: CONNECT_TIMEOUT });
}

/** A request of node:http, which most frameworks stand on, as verifiers see it. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { readMessageBody } from './message-body.ts';
import type { ReceivedRequest } from './received-request.ts';

/** Remembers the certificate of each connection, which is read once for all its requests. */
export function createNodeRequests(): (message: IncomingMessage, target?: string) => ReceivedRequest {
  const certificates = new WeakMap<Socket, Uint8Array | undefined>();
  const certificateOf = (socket: Socket): Uint8Array | undefined => {
    if (!isTls(socket)) return undefined;
    if (!certificates.has(socket)) {
      certificates.set(socket, socket.authorized ? socket.getPeerX509Certificate()?.raw : undefined);
    }
    return certificates.get(socket);
  };
  return (message, target = message.url ?? '') => ({
    method: message.method ?? '',
    target,
    values: (name) => message.headersDistinct[name] ?? [],
    get clientCertificate() {
      return certificateOf(message.socket);
    },
    remoteAddress: message.socket.remoteAddress,
    body: () => readMessageBody(message),
  });
}

/** Told by its mark: to import the class is to load `node:tls` where nothing else needs it. */
function isTls(socket: Socket): socket is TLSSocket {
  return (socket as Partial<TLSSocket>).encrypted === true;
}

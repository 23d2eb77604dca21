import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { GuardedServer, ServedWith } from './guarded-service.ts';

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** A server that asks for certificates and leaves it to the guards what to make of none. */
export function createGuardedServer(listener: Listener, tls: ServedWith['tls']) {
  const listen = (request: IncomingMessage, response: ServerResponse): void => void listener(request, response);
  if (tls === undefined) return createServer(listen);
  return createSecureServer({ ...tls, requestCert: true, rejectUnauthorized: false }, listen);
}

export async function serving(server: ReturnType<typeof createGuardedServer>): Promise<GuardedServer> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

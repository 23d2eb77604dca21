/** A real server that lets in whom its authenticator knows, and says whom, or what was refused. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { asProblem, Problem } from '@sidegate/sdk';
import { type Authenticator, detailError, type Principal, type ReceivedRequest } from '@sidegate/sdk/server';
import { valuesOf } from './http-app.ts';

export interface AuthenticatedService extends AsyncDisposable {
  readonly port: number;
  /** Who was let in, in order. */
  readonly callers: readonly Principal[];
}

export interface AuthenticatedServiceOptions {
  readonly authenticator: Authenticator;
  /** What is answered to whom. */
  readonly answer?: (principal: Principal) => object;
  readonly tls?: https.ServerOptions;
}

const MAX_BODY_BYTES = 65_536;

/** Refusals are `{"code": …, "detail": …}` with the status of the code; with `details` that of the words. */
export async function startAuthenticatedService(options: AuthenticatedServiceOptions): Promise<AuthenticatedService> {
  const { authenticator, answer = (principal) => ({ caller: principal.service?.name }), tls } = options;
  const callers: Principal[] = [];
  const respond = (response: ServerResponse, status: number, body: object): void => {
    response.statusCode = status;
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
  };
  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const principal = await authenticator.authenticate(received(incoming));
      callers.push(principal);
      respond(response, 200, answer(principal));
    } catch (error) {
      const problem = asProblem(error);
      const { status, detail } = detailError(problem);
      const cause = problem.code === 'internal' ? { cause: String(problem.cause) } : {};
      respond(response, status, { code: problem.code, detail, ...cause });
    }
  };
  const onRequest = (incoming: IncomingMessage, response: ServerResponse): void => void handle(incoming, response);
  const server = tls === undefined ? createServer(onRequest) : https.createServer(tls, onRequest);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    callers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      authenticator.close();
    },
  };
}

function received(incoming: IncomingMessage): ReceivedRequest {
  const { method = '', url = '', rawHeaders, socket } = incoming;
  return {
    method,
    target: url,
    values: (name) => valuesOf(rawHeaders, name),
    clientCertificate:
      socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate()?.raw : undefined,
    remoteAddress: socket.remoteAddress,
    body: () => bodyOf(incoming),
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Problem('body_too_large', `more than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

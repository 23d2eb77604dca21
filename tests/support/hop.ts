/** A proxy on the way to a service, as an ingress or a gateway is, with what it does to the header fields of a request. */

import type { OutgoingHttpHeaders } from 'node:http';
import { createServer, type IncomingMessage, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Hop extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
}

export interface HopOptions {
  /** Origin of whom it forwards to. */
  readonly to: string;
  readonly ca?: string;
  readonly change: (headers: IncomingMessage['headers']) => OutgoingHttpHeaders;
}

export async function startHop({ to, ca, change }: HopOptions): Promise<Hop> {
  const server = createServer((incoming, response) => {
    const { method, url, headers } = incoming;
    const options = { method, headers: { ...change(headers), host: new URL(to).host } };
    const target = `${to}${url}`;
    const outgoing = to.startsWith('https:')
      ? secureRequest(target, { ...options, ...(ca === undefined ? {} : { ca }) })
      : request(target, options);
    outgoing
      .on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      })
      .on('error', () => response.writeHead(502).end())
      .end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const withoutAuthorization = (headers: IncomingMessage['headers']): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'authorization'));
